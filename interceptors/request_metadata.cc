#include "multi_backend/interceptors/request_metadata.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

// Objects, so that the search below inlines them: a function call for each byte
// would cost more than the check itself.
constexpr auto kIsKeyByte = [](char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
};
constexpr auto kIsTextByte = [](char c) { return c >= ' ' && c <= '~'; };

// As core has it: "-bin" alone is no binary key.
bool IsBinaryKey(absl::string_view key) {
  return key.size() > 4 && absl::EndsWith(key, "-bin");
}

// "byte 0x0a at offset 3", the first of `text` that `allowed` refuses; "" for
// none.
template <typename Allowed>
std::string FirstBadByte(absl::string_view text, Allowed allowed) {
  const auto bad = std::find_if_not(text.begin(), text.end(), allowed);
  if (bad == text.end()) return "";
  return absl::StrFormat("byte 0x%02x at offset %d",
                         static_cast<unsigned char>(*bad), bad - text.begin());
}

absl::Status Refusal(absl::string_view key, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("multi_backend: the call was not sent: metadata key ",
                   QuotedValue(key), " ", why));
}

}  // namespace

absl::Status CheckMetadataEntry(absl::string_view key,
                                absl::string_view value) {
  if (key.empty()) return Refusal(key, "is empty");
  const std::string in_key = FirstBadByte(key, kIsKeyByte);
  if (!in_key.empty()) {
    return Refusal(
        key, absl::StrCat("has ", in_key, ": use a-z, 0-9, '-', '_' and '.'"));
  }
  if (key == kCallLabelKey) {
    return DecodeCallLabel(value).has_value()
               ? absl::OkStatus()
               : Refusal(key, "is reserved: use another one");
  }
  if (key == kCoreOwnKey) return Refusal(key, "is reserved by gRPC");
  if (IsBinaryKey(key)) return absl::OkStatus();
  const std::string in_value = FirstBadByte(value, kIsTextByte);
  if (in_value.empty()) return absl::OkStatus();
  return Refusal(key, absl::StrCat("has a value with ", in_value,
                                   ": send printable ASCII, or use a key that "
                                   "ends in \"-bin\" for other bytes"));
}

absl::Status CheckMetadataSize(size_t size, size_t limit) {
  if (IsWithinMetadataLimit(size, limit)) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "multi_backend: the call was not sent: its metadata has ",
      size + kMetadataOfGrpc, " bytes, ", kMetadataOfGrpc,
      " of which are for gRPC's own entries; maxRequestMetadata is ", limit));
}

}  // namespace multi_backend

#include "multi_backend/interceptors/request_metadata.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"

namespace multi_backend {
namespace {

std::string Refused(absl::string_view key_and_why) {
  return absl::StrCat("multi_backend: the call was not sent: metadata key ",
                      key_and_why);
}

TEST(CheckMetadataEntryTest, AcceptsWhatCoreAcceptsAndNamesTheRest) {
  const std::string for_keys = ": use a-z, 0-9, '-', '_' and '.'";
  const std::string for_values =
      ": send printable ASCII, or use a key that ends in \"-bin\" for other "
      "bytes";
  const std::string nul(1, '\0');
  const struct {
    const char* name;
    std::string key;
    std::string value;
    std::string error;  // After "metadata key "; "" for none.
  } kRows[] = {
      {"an ordinary entry", "x-user", "u1", ""},
      {"every byte of a key", "az09-_.", "v", ""},
      {"an empty value", "x", "", ""},
      {"the bounds of text", "x", " ~", ""},
      {"any byte of a binary value", "x-bin", nul + "\n\x80\xff", ""},
      {"the library's prefix", "mb-user", "u1", ""},
      {"a prefix of the label's key", "mb-call", "u1", ""},
      {"an empty key", "", "v", "\"\" is empty"},
      {"upper case", "x-User", "v",
       "\"x-User\" has byte 0x55 at offset 2" + for_keys},
      {"a pseudo header", ":path", "/",
       "\":path\" has byte 0x3a at offset 0" + for_keys},
      {"a space in a key", "a b", "v",
       "\"a b\" has byte 0x20 at offset 1" + for_keys},
      {"a letter outside of ASCII in a key", "\xc3\xa9", "v",
       "\"\\xc3\\xa9\" has byte 0xc3 at offset 0" + for_keys},
      {"NUL in a key", "x" + nul, "v",
       "\"x\\x00\" has byte 0x00 at offset 1" + for_keys},
      {"LF", "x", "ab\n",
       "\"x\" has a value with byte 0x0a at offset 2" + for_values},
      {"CR", "x", "\r",
       "\"x\" has a value with byte 0x0d at offset 0" + for_values},
      {"NUL", "x", nul,
       "\"x\" has a value with byte 0x00 at offset 0" + for_values},
      {"TAB", "x", "\t",
       "\"x\" has a value with byte 0x09 at offset 0" + for_values},
      {"DEL", "x", "\x7f",
       "\"x\" has a value with byte 0x7f at offset 0" + for_values},
      {"UTF-8", "x", "na\xc3\xafve",
       "\"x\" has a value with byte 0xc3 at offset 2" + for_values},
      {"-bin alone is no binary key", "-bin", "\n",
       "\"-bin\" has a value with byte 0x0a at offset 0" + for_values},
      {"a bad key before a bad value", "X", "\n",
       "\"X\" has byte 0x58 at offset 0" + for_keys},
      {"the label's key", "mb-call-bin", "forged",
       "\"mb-call-bin\" is reserved: use another one"},
      {"a key of core's own", "grpclb_client_stats", "v",
       "\"grpclb_client_stats\" is reserved by gRPC"},
      {"a label of this process", "mb-call-bin",
       EncodeCallLabel(EncodeCallLabelPrefix(CallLabel()), 7), ""},
  };
  for (const auto& row : kRows) {
    const absl::Status status = CheckMetadataEntry(row.key, row.value);
    if (row.error.empty()) {
      EXPECT_EQ(status, absl::OkStatus()) << row.name;
      continue;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.name;
    EXPECT_EQ(status.message(), Refused(row.error)) << row.name;
  }
}

TEST(CheckMetadataEntryTest, ALongKeyIsCut) {
  const absl::Status status =
      CheckMetadataEntry(std::string(10000, 'X'), "value");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(status.message().size(), 400u);
}

TEST(CheckMetadataSizeTest, CountsWhatGrpcAdds) {
  EXPECT_EQ(CheckMetadataSize(8192 - 512, 8192), absl::OkStatus());
  EXPECT_EQ(CheckMetadataSize(0, 512), absl::OkStatus());
  EXPECT_EQ(
      CheckMetadataSize(8192 - 511, 8192),
      absl::ResourceExhaustedError(
          "multi_backend: the call was not sent: its metadata has 8193 bytes, "
          "512 of which are for gRPC's own entries; maxRequestMetadata is "
          "8192"));
}

}  // namespace
}  // namespace multi_backend

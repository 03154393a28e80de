#include "multi_backend/observability/admin/shown_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "multi_backend/observability/channel/channel_record.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD.
constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026.

// The length of the valid UTF-8 sequence at the beginning of `text`, 0 if there
// is none.  Unicode 15, table 3-7: no surrogates, no overlong forms.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [text](size_t i) -> uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// C0, DEL and C1 controls, and the characters that turn the direction of text
// around (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
bool IsControl(absl::string_view sequence) {
  const auto byte = [sequence](size_t i) {
    return static_cast<unsigned char>(sequence[i]);
  };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.size() != 3 || byte(0) != 0xE2) return false;
  if (byte(1) == 0x80) {
    return byte(2) == 0x8E || byte(2) == 0x8F ||
           (byte(2) >= 0xAA && byte(2) <= 0xAE);
  }
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

}  // namespace

std::string ShownText(absl::string_view text, size_t max) {
  std::string shown;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    absl::string_view next = text.substr(0, length);
    if (length == 0 || IsControl(next)) next = kReplacement;
    if (shown.size() + next.size() > max) {
      absl::StrAppend(&shown, kEllipsis);
      break;
    }
    absl::StrAppend(&shown, next);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return shown;
}

std::string ShownTarget(absl::string_view target) {
  return ShownText(TargetWithoutSecrets(target));
}

}  // namespace multi_backend

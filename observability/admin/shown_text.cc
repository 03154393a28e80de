#include "multi_backend/observability/admin/shown_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "multi_backend/observability/channel/channel_record.h"
#include "multi_backend/text/utf8.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD.
constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026.

// C0, DEL and C1 controls, and the characters that turn the direction of text
// around.
bool IsControl(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x200E ||
         code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string ShownText(absl::string_view text, size_t max) {
  std::string shown;
  while (!text.empty()) {
    const Utf8Character character = FirstUtf8Character(text);
    absl::string_view next = text.substr(0, character.size);
    if (character.size == 0 || IsControl(character.code)) next = kReplacement;
    if (shown.size() + next.size() > max) {
      absl::StrAppend(&shown, kEllipsis);
      break;
    }
    absl::StrAppend(&shown, next);
    text.remove_prefix(std::max<size_t>(character.size, 1));
  }
  return shown;
}

std::string ShownTarget(absl::string_view target) {
  return ShownText(TargetWithoutSecrets(target));
}

}  // namespace multi_backend

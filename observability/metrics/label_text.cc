#include "multi_backend/observability/metrics/label_text.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kCut = "...";

// The length of the UTF-8 sequence that `text` begins with, 0 if it begins with
// none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t SequenceLength(absl::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  uint8_t lowest = 0x80, highest = 0xbf;  // Of the second byte.
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) lowest = 0xa0;
    if (first == 0xed) highest = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) lowest = 0x90;
    if (first == 0xf4) highest = 0x8f;
  }
  if (length == 0 || text.size() < length) return 0;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::string LabelText(absl::string_view text) {
  std::string valid;
  size_t fits = 0;  // The length up to which "..." can still follow.
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const size_t added = length == 0 ? 1 : length;
    if (valid.size() + added > kMaxLabelBytes) {
      valid.resize(fits);
      valid.append(kCut.data(), kCut.size());
      break;
    }
    if (length == 0) {
      valid.push_back('?');
    } else {
      valid.append(text.data(), length);
    }
    if (valid.size() + kCut.size() <= kMaxLabelBytes) fits = valid.size();
    text.remove_prefix(added);
  }
  return valid;
}

MethodLabels MethodLabelsOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos || slash < 2 || path[0] != '/' ||
      slash + 1 == path.size()) {
    return {kOtherLabel, kOtherLabel};
  }
  return {path.substr(1, slash - 1), path.substr(slash + 1)};
}

}  // namespace multi_backend

#include "multi_backend/observability/metrics/label_text.h"

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "multi_backend/text/utf8.h"

namespace multi_backend {
namespace {

constexpr absl::string_view kCut = "...";

}  // namespace

std::string LabelText(absl::string_view text) {
  std::string valid;
  size_t fits = 0;  // The length up to which "..." can still follow.
  while (!text.empty()) {
    const size_t length = FirstUtf8Character(text).size;
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

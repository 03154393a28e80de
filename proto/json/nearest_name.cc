#include "multi_backend/proto/json/nearest_name.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace multi_backend {
namespace {

// Longer than any name of a schema.  It bounds the cost, since a document may
// have keys of any length.
constexpr size_t kMaxSize = 80;
// Shorter beginnings are those of too many names.
constexpr size_t kMinPrefix = 3;

std::string Folded(absl::string_view name) {
  std::string folded;
  for (const char c : name) {
    if (c != '_') folded += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return folded;
}

// The distance of Damerau and Levenshtein in its restricted form (optimal
// string alignment): no part is edited twice.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1,
                         last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

absl::string_view NearestName(absl::string_view unknown,
                              const std::vector<absl::string_view>& names) {
  if (unknown.size() > kMaxSize) return "";
  const std::string folded = Folded(unknown);
  // A name of one or two letters is as near to too many others.
  size_t nearest_distance = folded.size() < 3 ? 1 : (folded.size() + 2) / 3 + 1;
  absl::string_view nearest;
  for (const absl::string_view name : names) {
    if (name.size() > kMaxSize) continue;
    const size_t distance = EditDistance(folded, Folded(name));
    if (distance >= nearest_distance) continue;
    nearest_distance = distance;
    nearest = name;
  }
  if (!nearest.empty() || folded.size() < kMinPrefix) return nearest;
  for (const absl::string_view name : names) {
    if (name.size() < kMinPrefix || name.size() > kMaxSize) continue;
    const std::string other = Folded(name);
    if (absl::StartsWith(other, folded) || absl::StartsWith(folded, other)) {
      return name;
    }
  }
  return nearest;
}

}  // namespace multi_backend

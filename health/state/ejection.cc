#include "multi_backend/health/state/ejection.h"

#include <algorithm>

namespace multi_backend {

std::vector<size_t> ChooseEjections(absl::Span<const EjectionMember> members,
                                    double threshold, int max_ejected_percent) {
  const size_t limit = MaxEjected(members.size(), max_ejected_percent);
  size_t ejected = 0;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < members.size(); ++i) {
    const double share = members[i].failure_share.value_or(0);
    if (members[i].ejected) {
      ++ejected;
    } else if (share > 0 && share >= threshold) {
      chosen.push_back(i);
    }
  }
  std::stable_sort(chosen.begin(), chosen.end(), [&](size_t a, size_t b) {
    return *members[a].failure_share > *members[b].failure_share;
  });
  const size_t room = limit > ejected ? limit - ejected : 0;
  if (chosen.size() > room) chosen.resize(room);
  return chosen;
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/connections/opening_order.h"

#include <algorithm>
#include <numeric>

#include "absl/container/flat_hash_map.h"

namespace multi_backend {

std::vector<size_t> OpeningOrder(
    const std::vector<OpeningCandidate>& candidates, absl::BitGenRef random) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return candidates[a].priority < candidates[b].priority;
  });
  // The place of each backend among those of its role.
  std::vector<size_t> rank(candidates.size());
  absl::flat_hash_map<absl::string_view, size_t> seen;
  for (const size_t i : order) rank[i] = seen[candidates[i].role]++;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rank[a] < rank[b]; });
  return order;
}

}  // namespace multi_backend

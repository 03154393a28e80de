#include "multi_backend/lb_policy/connections/opening_order.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/container/flat_hash_map.h"

namespace multi_backend {

std::vector<size_t> OpeningOrder(
    const std::vector<OpeningCandidate>& candidates, absl::BitGenRef random) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  // The how manieth of its role and priority each candidate is.
  std::vector<size_t> rank(candidates.size());
  absl::flat_hash_map<std::tuple<absl::string_view, int32_t>, size_t> seen;
  for (const size_t i : order) {
    rank[i] = seen[{candidates[i].role, candidates[i].priority}]++;
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(candidates[a].priority, rank[a]) <
           std::tie(candidates[b].priority, rank[b]);
  });
  return order;
}

}  // namespace multi_backend

// RendezvousOrder: the order in which a key chooses members, by the definition
// of weighted rendezvous hashing.  It computes every score in extended
// precision and sorts them.
#ifndef MULTI_BACKEND_TESTS_TESTING_RENDEZVOUS_ORACLE_H_
#define MULTI_BACKEND_TESTS_TESTING_RENDEZVOUS_ORACLE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {
namespace testing {

// The indices of the members whose weight is not 0, the slot's first choice
// first.
inline std::vector<size_t> RendezvousOrder(const std::vector<Member>& members,
                                           uint32_t slot) {
  std::vector<std::pair<long double, size_t>> scores;
  const uint64_t seed = Mix64(uint64_t{slot} + 0x9e3779b97f4a7c15u);
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].weight == 0) continue;
    const uint64_t draw = Mix64(members[i].hash ^ seed);
    const long double u = (static_cast<long double>(draw) + 1) * 0x1p-64L;
    scores.emplace_back(-std::log(u) / members[i].weight, i);
  }
  std::sort(scores.begin(), scores.end());
  std::vector<size_t> order;
  for (const auto& score : scores) order.push_back(score.second);
  return order;
}

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_RENDEZVOUS_ORACLE_H_

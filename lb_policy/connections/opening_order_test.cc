#include "multi_backend/lb_policy/connections/opening_order.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "absl/random/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAreArray;

std::set<size_t> FirstOf(const std::vector<size_t>& order, size_t count) {
  return std::set<size_t>(order.begin(), order.begin() + count);
}

TEST(OpeningOrderTest, EachBackendComesOnceAndInAnotherOrderEachTime) {
  const std::vector<OpeningCandidate> candidates(1000);
  std::vector<size_t> all(candidates.size());
  std::iota(all.begin(), all.end(), size_t{0});
  absl::BitGen random;
  const std::vector<size_t> order = OpeningOrder(candidates, random);
  EXPECT_THAT(order, UnorderedElementsAreArray(all));
  EXPECT_NE(order, OpeningOrder(candidates, random));
}

TEST(OpeningOrderTest, ASmallRoleAtTheEndOfTheListIsAmongTheFirst) {
  std::vector<OpeningCandidate> candidates(1000, {"replica", 0});
  for (size_t i = 997; i < 1000; ++i) candidates[i] = {"primary", 1};
  absl::BitGen random;
  EXPECT_THAT(FirstOf(OpeningOrder(candidates, random), 6),
              IsSupersetOf({997u, 998u, 999u}));
}

TEST(OpeningOrderTest, TheBestPrioritiesOfARoleComeFirst) {
  std::vector<OpeningCandidate> candidates(1000, {"", 2});
  candidates[998].priority = 1;
  candidates[999].priority = -1;
  absl::BitGen random;
  const std::vector<size_t> order = OpeningOrder(candidates, random);
  EXPECT_EQ(order[0], 999u);
  EXPECT_EQ(order[1], 998u);
}

}  // namespace
}  // namespace multi_backend

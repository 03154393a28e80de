#include "multi_backend/lb_policy/plan/plan_pace.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kStart = 1000 * kMillisecond;

TEST(PlanPaceTest, AShortListWaitsForNothing) {
  PlanPace pace;
  pace.OnPlan(kStart);
  EXPECT_FALSE(pace.Defers(kStart, 100));
  EXPECT_EQ(pace.due(), INT64_MAX);
}

TEST(PlanPaceTest, ALongListHasAPauseOfItsLength) {
  PlanPace pace;
  pace.OnPlan(kStart);
  EXPECT_TRUE(pace.Defers(kStart, 1000));
  EXPECT_EQ(pace.due(), kStart + 2 * kMillisecond);
  EXPECT_TRUE(pace.Defers(kStart + kMillisecond, 1000));
  EXPECT_EQ(pace.due(), kStart + 2 * kMillisecond);
  EXPECT_FALSE(pace.Defers(kStart + kMillisecond + 1, 1000))
      << "the rest is too short for a timer";
}

TEST(PlanPaceTest, APlanCoversWhatHasWaited) {
  PlanPace pace;
  pace.OnPlan(kStart);
  EXPECT_TRUE(pace.Defers(kStart, 1000));
  pace.OnPlan(kStart + kMillisecond);
  EXPECT_EQ(pace.due(), INT64_MAX);
}

}  // namespace
}  // namespace multi_backend

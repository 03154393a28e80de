#include "multi_backend/bench/peers/report/verdict.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Kind = Goal::Kind;

RatioEstimate Ratio(double low, double median, double high) {
  return {median, Interval{low, high}};
}

struct Row {
  std::string name;
  Goal goal;
  RatioEstimate ours;
  Verdict verdict;
  bool passed;
};

// Two equal peers differed by up to 5 %.
constexpr Interval kAa = {0.95, 1.05};

TEST(VerdictTest, Table) {
  const std::vector<Row> rows = {
      {"a row without a goal", {}, Ratio(2, 3, 4), Verdict::kShown, true},
      {"a cost within its bound",
       {Kind::kCostAtMost, 1.09},
       Ratio(1, 1.09, 1.2),
       Verdict::kReached,
       true},
      {"a cost above its bound",
       {Kind::kCostAtMost, 1.09},
       Ratio(1, 1.1, 1.2),
       Verdict::kMissed,
       false},
      {"a gain beyond noise",
       {Kind::kTimeAtMost, 0.75},
       Ratio(0.6, 0.7, 0.8),
       Verdict::kReached,
       true},
      {"a gain beyond noise that is too small",
       {Kind::kTimeAtMost, 0.75},
       Ratio(0.7, 0.8, 0.9),
       Verdict::kMissed,
       false},
      {"a gain that may be noise is not reached",
       {Kind::kTimeAtMost, 0.75},
       Ratio(0.5, 0.7, 0.95),
       Verdict::kNoDifference,
       false},
      {"a rate beyond noise",
       {Kind::kRateAtLeast, 3.8},
       Ratio(3.7, 3.9, 4),
       Verdict::kReached,
       true},
      {"a rate that is too low",
       {Kind::kRateAtLeast, 3.8},
       Ratio(3.6, 3.7, 4),
       Verdict::kMissed,
       false},
      {"nearly as good as the peer needs no difference",
       {Kind::kRateAtLeast, 0.97},
       Ratio(0.96, 0.98, 1),
       Verdict::kReached,
       true},
      {"not nearly as good as the peer",
       {Kind::kRateAtLeast, 0.97},
       Ratio(0.95, 0.96, 1),
       Verdict::kMissed,
       false},
      {"behind by less than noise",
       {Kind::kRateNotBehind},
       Ratio(0.9, 0.93, 0.96),
       Verdict::kNoDifference,
       true},
      {"behind by more than noise",
       {Kind::kRateNotBehind},
       Ratio(0.9, 0.92, 0.94),
       Verdict::kMissed,
       false},
      {"ahead by more than noise",
       {Kind::kRateNotBehind},
       Ratio(1.06, 1.1, 1.2),
       Verdict::kReached,
       true},
      {"a figure at its bound",
       {Kind::kAtMost, 4},
       {4, {}},
       Verdict::kReached,
       true},
      {"a figure above its bound",
       {Kind::kAtMost, 4},
       {4.1, {}},
       Verdict::kMissed,
       false},
      {"a figure below its bound",
       {Kind::kAtLeast, 4},
       {3.9, {}},
       Verdict::kMissed,
       false},
  };
  for (const Row& row : rows) {
    const Judgement judgement = Judge(row.goal, row.ours, kAa);
    EXPECT_EQ(VerdictName(judgement.verdict), VerdictName(row.verdict))
        << row.name;
    EXPECT_EQ(judgement.passed, row.passed) << row.name;
  }
}

TEST(VerdictTest, TimeIsNotJudgedWithoutIntervals) {
  for (const Kind kind :
       {Kind::kTimeAtMost, Kind::kRateAtLeast, Kind::kRateNotBehind}) {
    EXPECT_EQ(Judge({kind, 1}, {1, {}}, kAa).verdict, Verdict::kTooFewTurns);
    EXPECT_EQ(Judge({kind, 1}, Ratio(1, 1, 1), {}).verdict,
              Verdict::kTooFewTurns);
  }
}

TEST(GoalTest, SaysItsBound) {
  EXPECT_EQ(Goal().ToString(), "-");
  EXPECT_EQ((Goal{Kind::kTimeAtMost, 0.75}).ToString(), "<= 0.75x");
  EXPECT_EQ((Goal{Kind::kRateAtLeast, 3.8}).ToString(), ">= 3.8x");
  EXPECT_EQ((Goal{Kind::kRateNotBehind}).ToString(), "not behind");
  EXPECT_EQ((Goal{Kind::kAtMost, 4}).ToString(), "<= 4");
}

}  // namespace
}  // namespace multi_backend

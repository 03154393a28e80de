#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"

#include <thread>

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/latency_simulation.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::LatencySimulation;
using testing::ListedStrategy;
using testing::SimulationOptions;
using testing::StrategyMembers;

constexpr StrategyKind kKind = StrategyKind::kPeakEwma;
constexpr int64_t kMs = 1000000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr absl::Duration kDecay = absl::Seconds(10);

double AverageMs(const LoadStats& stats) {
  return stats.ewma_nanos.load() / kMs;
}

TEST(ObserveLatencyTest, TheFirstSampleIsTheAverage) {
  LoadStats stats;
  ObserveLatency(stats, 7 * kMs, false, 5 * kSecond, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(stats), 7);
  EXPECT_EQ(stats.ewma_stamp_nanos.load(), 5 * kSecond);
}

TEST(ObserveLatencyTest, AHigherSampleIsTheAverageAtOnce) {
  LoadStats stats;
  ObserveLatency(stats, 5 * kMs, false, kSecond, kDecay);
  ObserveLatency(stats, 50 * kMs, false, kSecond + kMs, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(stats), 50);
}

TEST(ObserveLatencyTest, LowerSamplesTakeItDownStepByStep) {
  LoadStats stats;
  ObserveLatency(stats, 80 * kMs, false, kSecond, kDecay);
  double last = AverageMs(stats);
  for (int i = 1; i <= 40; ++i) {
    ObserveLatency(stats, 8 * kMs, false, kSecond + i * kMs, kDecay);
    EXPECT_LT(AverageMs(stats), last);
    EXPECT_GT(AverageMs(stats), 8);
    EXPECT_GT(AverageMs(stats), last * 0.8);
    last = AverageMs(stats);
  }
  EXPECT_LT(last, 9);
}

TEST(ObserveLatencyTest, AStaleAverageGivesWayToABetterSample) {
  LoadStats stats;
  ObserveLatency(stats, 30 * kSecond, false, 0, kDecay);
  ObserveLatency(stats, 10 * kMs, false, 3 * kSecond, kDecay);
  EXPECT_LT(AverageMs(stats), 50);
  ObserveLatency(stats, 10 * kMs, false, 6 * kSecond, kDecay);
  EXPECT_LT(AverageMs(stats), 20);
}

TEST(ObserveLatencyTest, AFailureIsWorseThanAnyHonestLatency) {
  LoadStats fast;
  ObserveLatency(fast, 1, true, 0, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(fast), 100);
  LoadStats slow;
  ObserveLatency(slow, 5 * kSecond, false, 0, kDecay);
  ObserveLatency(slow, 1, true, 0, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(slow), 50000);
  // A failure never counts as less than the time that it took.
  ObserveLatency(slow, 200 * kSecond, true, 0, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(slow), 200000);
}

TEST(ObserveLatencyTest, FailuresInARowStopGrowingAtAMinute) {
  LoadStats stats;
  for (int i = 0; i < 100; ++i) ObserveLatency(stats, kMs, true, i, kDecay);
  EXPECT_DOUBLE_EQ(AverageMs(stats), 60000);
}

TEST(ObserveLatencyTest, TakesAnyTimeAndDecay) {
  LoadStats stats;
  ObserveLatency(stats, 0, false, 100, kDecay);
  EXPECT_GT(stats.ewma_nanos.load(), 0);        // 0 would mean "not measured".
  ObserveLatency(stats, 5, false, 50, kDecay);  // Its time is before the last.
  EXPECT_EQ(stats.ewma_stamp_nanos.load(), 100);
  ObserveLatency(stats, 3, false, 200, absl::ZeroDuration());
  EXPECT_DOUBLE_EQ(stats.ewma_nanos.load(), 3);
}

TEST(ObserveLatencyTest, ConcurrentSamplesGiveAnAverageBetweenThem) {
  LoadStats stats;
  std::thread threads[4];
  for (int t = 0; t < 4; ++t) {
    threads[t] = std::thread([&stats, t] {
      for (int i = 0; i < 5000; ++i) {
        const bool peak = t == 2 && i == 4999;
        ObserveLatency(stats, peak ? 50 * kMs : kMs, false, kSecond, kDecay);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GE(AverageMs(stats), 1);
  EXPECT_LE(AverageMs(stats), 50);
}

TEST(PeakEwmaTest, TakesTheCheaperOfTwo) {
  struct Row {
    const char* name;
    double ewma_ms[2];
    int64_t calls[2];
    int64_t age_seconds[2];
    uint32_t weight[2];
  };
  // In every row the first of the two is the cheaper.
  const Row rows[] = {
      {"LowerLatency", {5, 6}, {0, 0}, {0, 0}, {1, 1}},
      {"FewerCalls", {5, 5}, {1, 2}, {0, 0}, {1, 1}},
      {"TheProductCounts", {10, 4}, {0, 2}, {0, 0}, {1, 1}},
      {"MoreWeight", {9, 5}, {0, 0}, {0, 0}, {2, 1}},
      {"OlderMeasurement", {10, 6}, {0, 0}, {10, 0}, {1, 1}},
      {"UnmeasuredAndIdle", {0, 5}, {0, 0}, {0, 0}, {1, 1}},
      {"NotUnmeasuredButBusy", {500, 0}, {50, 1}, {0, 0}, {1, 1}},
      {"OfTheUnmeasuredTheLessBusy", {0, 0}, {1, 2}, {0, 0}, {1, 1}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    StrategyMembers members({row.weight[0], row.weight[1]});
    members.clock().Set(100 * kSecond);
    for (size_t i = 0; i < 2; ++i) {
      LoadStats& load = *members[i].load;
      load.ewma_nanos = row.ewma_ms[i] * kMs;
      load.in_flight = row.calls[i];
      load.ewma_stamp_nanos = (100 - row.age_seconds[i]) * kSecond;
    }
    ListedStrategy strategy = members.Make(kKind);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(strategy.Pick(), 0u);
  }
}

TEST(PeakEwmaTest, ANewMemberGetsOneCallUntilItIsMeasuredAndThenItsShare) {
  StrategyMembers members = StrategyMembers::Equal(3);
  members.clock().Set(kSecond);
  for (size_t i = 0; i < 2; ++i) {
    ObserveLatency(*members[i].load, 5 * kMs, false, kSecond, kDecay);
  }
  ListedStrategy strategy = members.Make(kKind);
  int to_new = 0;
  for (int i = 0; i < 500; ++i) {
    const size_t picked = strategy.Pick();
    if (picked != 2) continue;  // The others end at once.
    ++to_new;
    ++members[2].load->in_flight;
  }
  EXPECT_EQ(to_new, 1);
  --members[2].load->in_flight;
  ObserveLatency(*members[2].load, 4 * kMs, false, kSecond, kDecay);
  to_new = 0;
  for (int i = 0; i < 500; ++i) to_new += strategy.Pick() == 2;
  EXPECT_GT(to_new, 100);
}

TEST(PeakEwmaTest, ProbesAtMostOnePickInTwoThousandAndOneASecond) {
  StrategyMembers members = StrategyMembers::Equal(2);
  members.clock().Set(100 * kSecond);
  ListedStrategy strategy = members.Make(kKind);
  members[0].load->ewma_nanos = 1 * kMs;
  members[1].load->ewma_nanos = 60 * kSecond;
  int probes = 0;
  constexpr int kPicks = 1000000;
  for (int i = 0; i < kPicks; ++i) {
    members.clock().Advance(absl::Microseconds(100));  // 100 s in all.
    // The first member is measured all the time, the second never again.
    const int64_t now = members.clock().NowNanos();
    members[0].load->ewma_stamp_nanos = now;
    members[1].load->ewma_stamp_nanos = now - 2 * kSecond;
    probes += strategy.Pick() == 1;
  }
  EXPECT_LE(probes, 101);
  EXPECT_GE(probes, 80);
}

SimulationOptions TenBackendsAt75Percent() {
  SimulationOptions options;
  options.config.strategy = kKind;
  const double calls_per_second =
      options.calls_at_a_time / absl::ToDoubleSeconds(options.mean_service);
  options.arrival_rate = 0.75 * 9.1 * calls_per_second;
  return options;
}

// One of ten backends is ten times slower than the others.  20 clients make
// 13,650 calls per second, which is 75 % of what the backends can serve.
TEST(PeakEwmaSimulation, ASlowBackendIsShunnedAndUsedAgainWithin5sOfHealing) {
  LatencySimulation simulation(TenBackendsAt75Percent());
  simulation.SetSlowness(0, 10);
  simulation.Run(absl::Seconds(2));
  const auto slow = simulation.Run(absl::Seconds(15));
  EXPECT_LT(slow.Share(0), 0.001);
  EXPECT_GT(slow.Share(0), 0.0002);  // Probes still reach it.
  for (size_t i = 1; i < 10; ++i) EXPECT_NEAR(slow.Share(i), 1.0 / 9, 0.01);

  simulation.SetSlowness(0, 1);
  simulation.Run(absl::Seconds(4));
  EXPECT_GT(simulation.Run(absl::Seconds(1)).Share(0), 0.05);
}

TEST(PeakEwmaSimulation, ABackendThatFailsFastAttractsNothing) {
  LatencySimulation simulation(TenBackendsAt75Percent());
  simulation.Run(absl::Seconds(2));
  simulation.SetFailing(3, true);
  simulation.Run(absl::Milliseconds(100));
  EXPECT_LT(simulation.Run(absl::Seconds(5)).Share(3), 0.001);
  simulation.SetFailing(3, false);
  simulation.Run(absl::Seconds(5));
  EXPECT_GT(simulation.Run(absl::Seconds(1)).Share(3), 0.05);
}

TEST(PeakEwmaSimulation, EqualBackendsGetEqualShares) {
  LatencySimulation simulation(TenBackendsAt75Percent());
  simulation.Run(absl::Seconds(1));
  const auto counts = simulation.Run(absl::Seconds(4));
  for (size_t i = 0; i < 10; ++i) EXPECT_NEAR(counts.Share(i), 0.1, 0.01);
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/health/state/failure_rate.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using absl::Seconds;

// A whole number of kWindow steps since the epoch.
const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);
constexpr absl::Duration kWindow = Seconds(10);

FailureRateConfig Config(int min_calls, absl::Duration window = kWindow) {
  FailureRateConfig config;
  config.min_calls = min_calls;
  config.window = window;
  return config;
}

TEST(FailureRateTest, NothingIsConcludedFromNoSamples) {
  FailureRate rate(Config(0));
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
  rate.Sample(0, 0, kStart);
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
}

TEST(FailureRateTest, WhatWasCountedBeforeTheFirstSampleDoesNotMatter) {
  FailureRate rate(Config(1));
  rate.Sample(1000000, 1000000, kStart);
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
  rate.Sample(1000004, 1000001, kStart);
  EXPECT_EQ(rate.Share(kStart), 0.25);
}

TEST(FailureRateTest, NothingIsConcludedFromFewerThanTheMinimum) {
  FailureRate rate(Config(20));
  rate.Sample(0, 0, kStart);
  rate.Sample(19, 19, kStart);
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
  rate.Sample(20, 20, kStart);
  EXPECT_EQ(rate.Share(kStart), 1.0);
}

TEST(FailureRateTest, AFailureCountedAheadOfItsCallMakesNoShareAboveOne) {
  FailureRate rate(Config(1));
  rate.Sample(0, 0, kStart);
  rate.Sample(3, 4, kStart);
  EXPECT_EQ(rate.Share(kStart), 1.0);
}

TEST(FailureRateTest, CallsAreForgottenWithTheWindow) {
  FailureRate rate(Config(1));
  rate.Sample(0, 0, kStart);
  rate.Sample(10, 10, kStart);
  EXPECT_EQ(rate.Share(kStart + kWindow - absl::Nanoseconds(1)), 1.0);
  EXPECT_EQ(rate.Share(kStart + kWindow), absl::nullopt);
  EXPECT_EQ(rate.Share(kStart + absl::Hours(1000)), absl::nullopt);
}

TEST(FailureRateTest, CountersThatWrapDoNotDisturb) {
  FailureRate rate(Config(1));
  rate.Sample(UINT64_MAX - 1, UINT64_MAX, kStart);
  rate.Sample(2, 0, kStart);
  EXPECT_EQ(rate.Share(kStart), 0.25);
}

TEST(FailureRateTest, ARestartForgetsAllAndCountsFromTheNextSample) {
  FailureRate rate(Config(1));
  rate.Sample(0, 0, kStart);
  rate.Sample(10, 10, kStart);
  rate.Restart();
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
  rate.Sample(15, 15, kStart);
  EXPECT_EQ(rate.Share(kStart), absl::nullopt);
  rate.Sample(17, 15, kStart);
  EXPECT_EQ(rate.Share(kStart), 0.0);
}

TEST(FailureRateTest, TheShortestWindowHasItsSteps) {
  const FailureRate rate(Config(1, absl::Nanoseconds(1)));
  EXPECT_EQ(rate.step(), absl::Milliseconds(1));
  EXPECT_EQ(FailureRate(Config(1)).step(), Seconds(1));
}

// The calls that ended in one step.  The oracle sums the ten steps that end
// now, from a list.
struct Ended {
  int64_t step;
  uint64_t finished;
  uint64_t failed;
};

absl::optional<double> ShareByDefinition(const std::vector<Ended>& all,
                                         int64_t step, uint64_t min_calls) {
  uint64_t finished = 0;
  uint64_t failed = 0;
  for (const Ended& ended : all) {
    if (ended.step + FailureRate::kBuckets <= step) continue;
    finished += ended.finished;
    failed += ended.failed;
  }
  if (finished == 0 || finished < min_calls) return absl::nullopt;
  return static_cast<double>(failed) / static_cast<double>(finished);
}

// Tries all sequences of four samples that are 0 to 20 half steps apart, with
// three loads.
TEST(FailureRateTest, EverySequenceOfSamplesGivesTheShareByDefinition) {
  constexpr int kGaps[] = {0, 1, 2, 17, 18, 19, 20};
  constexpr struct {
    uint64_t finished, failed;
  } kLoads[] = {{0, 0}, {3, 1}, {5, 5}};
  constexpr int kChoices = 7 * 3;
  constexpr int kSamples = 4;
  const absl::Duration half_step = kWindow / 20;
  const int sequences = kChoices * kChoices * kChoices * kChoices;
  for (int sequence = 0; sequence < sequences; ++sequence) {
    FailureRate rate(Config(4));
    rate.Sample(0, 0, kStart);
    std::vector<Ended> all;
    uint64_t finished = 0;
    uint64_t failed = 0;
    int half_steps = 0;
    int rest = sequence;
    for (int i = 0; i < kSamples; ++i) {
      const int choice = rest % kChoices;
      rest /= kChoices;
      half_steps += kGaps[choice % 7];
      finished += kLoads[choice / 7].finished;
      failed += kLoads[choice / 7].failed;
      const absl::Time now = kStart + half_steps * half_step;
      rate.Sample(finished, failed, now);
      all.push_back({half_steps / 2, kLoads[choice / 7].finished,
                     kLoads[choice / 7].failed});
      ASSERT_EQ(rate.Share(now), ShareByDefinition(all, half_steps / 2, 4))
          << "sequence " << sequence << ", sample " << i;
    }
  }
}

}  // namespace
}  // namespace multi_backend

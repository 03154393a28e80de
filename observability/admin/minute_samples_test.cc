// Tests of MinuteSamples.
#include "multi_backend/observability/admin/minute_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

const Label kTarget("static:///a:1");
const Label kBackend("a:1");

TEST(MinuteSamplesTest, WithoutAttemptsThereIsNothing) {
  MinuteSamples samples(16);
  EXPECT_EQ(samples.Of(kTarget, kBackend, 1000), nullptr);
}

TEST(MinuteSamplesTest, ThePresentSecondIsNotShown) {
  MinuteSamples samples(16);
  samples.Add(kTarget, kBackend, false, 1'000'000, 1000);
  EXPECT_EQ(samples.Of(kTarget, kBackend, 1000), nullptr);
  const auto minute = samples.Of(kTarget, kBackend, 1001);
  ASSERT_NE(minute, nullptr);
  EXPECT_EQ(minute->back().attempts, 1);
}

TEST(MinuteSamplesTest, EachSecondHasItsOwnCounts) {
  MinuteSamples samples(16);
  for (int64_t second = 1000; second < 1100; ++second) {
    for (int i = 0; i < second - 999; ++i) {
      samples.Add(kTarget, kBackend, i % 2 == 0, 1'500'000, second);
    }
  }
  const auto minute = samples.Of(kTarget, kBackend, 1100);
  ASSERT_NE(minute, nullptr);
  for (int i = 0; i < MinuteSamples::kSeconds; ++i) {
    EXPECT_EQ((*minute)[i].attempts, 41 + i) << i;
    EXPECT_EQ((*minute)[i].errors, (42 + i) / 2) << i;
  }
}

TEST(MinuteSamplesTest, OldSecondsLeave) {
  MinuteSamples samples(16);
  samples.Add(kTarget, kBackend, true, 1, 1000);
  ASSERT_NE(samples.Of(kTarget, kBackend, 1060), nullptr);
  EXPECT_EQ(samples.Of(kTarget, kBackend, 1060)->front().errors, 1);
  EXPECT_EQ(samples.Of(kTarget, kBackend, 1061), nullptr);
}

TEST(MinuteSamplesTest, TargetsAndBackendsAreApart) {
  MinuteSamples samples(16);
  samples.Add(kTarget, kBackend, false, 1, 1000);
  EXPECT_EQ(samples.Of(kTarget, Label("b:1"), 1001), nullptr);
  EXPECT_EQ(samples.Of(Label("other"), kBackend, 1001), nullptr);
}

TEST(MinuteSamplesTest, QuantilesAreInterpolatedWithinABucket) {
  MinuteSamples::Counts counts;
  EXPECT_EQ(counts.Quantile(0.5), 0);
  counts.attempts = 100;
  counts.buckets[3] = 90;   // 0.6 to 1 ms.
  counts.buckets[11] = 10;  // 130 to 250 ms.
  EXPECT_NEAR(counts.Quantile(0.45), 800'000, 1);
  EXPECT_NEAR(counts.Quantile(0.9), 1'000'000, 1);
  EXPECT_NEAR(counts.Quantile(0.95), 190'000'000, 1);
  EXPECT_NEAR(counts.Quantile(1), 250'000'000, 1);
}

TEST(MinuteSamplesTest, AQuantileInTheLastBucketIsItsBeginning) {
  MinuteSamples::Counts counts;
  counts.attempts = 1;
  counts.buckets.back() = 1;
  EXPECT_EQ(counts.Quantile(0.5), 10e9);
}

TEST(MinuteSamplesTest, ALatencyAtABoundaryBelongsBelowIt) {
  MinuteSamples samples(16);
  samples.Add(kTarget, kBackend, false, 100'000, 1000);
  samples.Add(kTarget, kBackend, false, 100'001, 1000);
  const auto minute = samples.Of(kTarget, kBackend, 1001);
  ASSERT_NE(minute, nullptr);
  EXPECT_EQ(minute->back().buckets[0], 1);
  EXPECT_EQ(minute->back().buckets[1], 1);
}

TEST(MinuteSamplesTest, BackendsThatComeAndGoTakeBoundedMemory) {
  MinuteSamples samples(64);
  int sampled = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat("b", i, ":1");
    samples.Add(kTarget, Label(name), false, 1, 1000);
    if (samples.Of(kTarget, Label(name), 1001) != nullptr) ++sampled;
  }
  EXPECT_LE(sampled, 64);
  EXPECT_GE(sampled, 32);
  // The places of those without attempts are free after a minute.
  samples.Add(kTarget, Label("late:1"), false, 1, 1061);
  EXPECT_NE(samples.Of(kTarget, Label("late:1"), 1062), nullptr);
}

}  // namespace
}  // namespace multi_backend

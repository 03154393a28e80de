#include "multi_backend/tools/mb/press/tally.h"

#include <string>

#include "gtest/gtest.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

TEST(PressHistogramTest, QuantilesAreAtMostABucketTooLarge) {
  PressHistogram buckets;
  EXPECT_EQ(buckets.Quantile(0.5), absl::ZeroDuration());
  for (int i = 1; i <= 1000; ++i) buckets.Add(absl::Milliseconds(i));
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double millis =
        absl::ToDoubleMilliseconds(buckets.Quantile(quantile));
    EXPECT_GE(millis, 1000 * quantile * 0.999) << quantile;
    EXPECT_LE(millis, 1000 * quantile * 1.051) << quantile;
  }
}

TEST(PressHistogramTest, NothingIsOutOfBounds) {
  PressHistogram buckets;
  buckets.Add(-absl::Seconds(1));
  buckets.Add(absl::ZeroDuration());
  buckets.Add(absl::InfiniteDuration());
  EXPECT_LE(buckets.Quantile(0.5), absl::Microseconds(2));
  EXPECT_GT(buckets.Quantile(1), absl::Minutes(4));
}

PressTally Example() {
  PressTally tally;
  for (int i = 0; i < 3; ++i) {
    tally.Add("10.0.0.1:1", absl::StatusCode::kOk, absl::Milliseconds(1));
  }
  tally.Add("10.0.0.2:1", absl::StatusCode::kUnavailable,
            absl::Milliseconds(100));
  return tally;
}

TEST(PressTallyTest, AReportIsATable) {
  EXPECT_EQ(FormatReport(Example().Report(1, false)),
            "1.0 s: 4 calls, 4 a second, 1 failed (OK 3, UNAVAILABLE 1)\n"
            "  BACKEND     CALLS  SHARE  FAILED  P50 ms  P99 ms\n"
            "  10.0.0.1:1      3  75.0%       0    1.02    1.02\n"
            "  10.0.0.2:1      1  25.0%       1  100.16  100.16\n");
  EXPECT_EQ(FormatReport(PressTally().Report(2.5, true)),
            "total 2.5 s: 0 calls, 0 a second, 0 failed\n");
}

TEST(PressTallyTest, SumsAreThoseOfTheParts) {
  PressTally sum = Example();
  sum.Merge(Example());
  sum.Add("", absl::StatusCode::kUnavailable, absl::ZeroDuration());
  const v1::PressReport report = sum.Report(1, true);
  EXPECT_EQ(report.calls(), 9u);
  EXPECT_EQ(report.failed(), 3u);
  ASSERT_EQ(report.backends_size(), 3);
  EXPECT_EQ(report.backends(0).backend(), "(none)");
  EXPECT_EQ(report.backends(1).calls(), 6u);
  EXPECT_NEAR(report.backends(1).share(), 6.0 / 9, 1e-12);
  EXPECT_EQ(report.statuses().at("UNAVAILABLE"), 3u);
}

TEST(PressTallyTest, Json) {
  PressTally tally;
  tally.Add("a:1", absl::StatusCode::kOk, absl::Milliseconds(1));
  const std::string json = ToJson(tally.Report(1, true));
  EXPECT_EQ(json.substr(0, 59),
            "{\"seconds\":1,\"total\":true,\"calls\":\"1\",\"failed\":\"0\","
            "\"backend");
}

TEST(BackendOfPeerTest, PeersAreUris) {
  EXPECT_EQ(BackendOfPeer("ipv4:127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(BackendOfPeer("ipv6:%5B::1%5D:80"), "[::1]:80");
  EXPECT_EQ(BackendOfPeer("ipv6:%5Bfe80::1%25eth0%5D:80"), "[fe80::1%eth0]:80");
  EXPECT_EQ(BackendOfPeer("unix:/run/a"), "unix:/run/a");
  EXPECT_EQ(BackendOfPeer(""), "");
  EXPECT_EQ(BackendOfPeer("static:///127.0.0.1:80"), "");
  EXPECT_EQ(BackendOfPeer("ipv4:127.0.0.1:80,127.0.0.1:81"), "");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend

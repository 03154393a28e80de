#include "multi_backend/observability/metrics/metric_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "multi_backend/observability/metrics/bucket_of.h"
#include "multi_backend/observability/metrics/latency_buckets.h"

namespace multi_backend {
namespace {

TEST(MetricTableTest, NamesFollowPrometheus) {
  std::set<std::string> names, dotted;
  for (const MetricSpec& spec : MetricTable()) {
    SCOPED_TRACE(std::string(spec.name));
    EXPECT_TRUE(absl::StartsWith(spec.name, "multi_backend_"));
    EXPECT_TRUE(names.insert(std::string(spec.name)).second);
    EXPECT_TRUE(dotted.insert(spec.DottedName()).second);
    EXPECT_EQ(absl::EndsWith(spec.name, "_total"),
              spec.kind == MetricKind::kCounter);
    EXPECT_EQ(absl::EndsWith(spec.name, "_seconds"), spec.unit == "s");
    EXPECT_TRUE(absl::EndsWith(spec.help, "."));
    EXPECT_FALSE(absl::StrContains(spec.help, "\n"));
  }
}

TEST(MetricTableTest, DottedNamesHaveNoUnit) {
  EXPECT_EQ(SpecOf(Metric::kAttemptDuration).DottedName(),
            "multi_backend.attempt.duration");
  EXPECT_EQ(SpecOf(Metric::kRetries).DottedName(), "multi_backend.retries");
  EXPECT_EQ(SpecOf(Metric::kResolverLastSuccess).DottedName(),
            "multi_backend.resolver.last_success");
}

TEST(LatencyBucketsTest, ABoundaryBelongsToItsBucket) {
  for (size_t i = 0; i < kBoundaries; ++i) {
    EXPECT_DOUBLE_EQ(static_cast<double>(kBoundaryNanos[i]) / 1e9,
                     kBoundarySeconds[i]);
    EXPECT_EQ(BucketOf(kBoundaryNanos[i]), i);
    EXPECT_EQ(BucketOf(kBoundaryNanos[i] + 1), i + 1);
  }
  EXPECT_EQ(BucketOf(0), 0u);
  EXPECT_EQ(BucketOf(INT64_MAX), kBoundaries);
}

}  // namespace
}  // namespace multi_backend

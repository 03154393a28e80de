#include "multi_backend/observability/prometheus/collectable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <stdio.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/testing/sample_events.h"
#include "multi_backend/observability/metrics/text_format.h"
#include "multi_backend/tests/testing/required_package.h"

namespace multi_backend {
namespace {

constexpr char kPromtool[] = "/usr/bin/promtool";
constexpr char kHowToInstall[] =
    "promtool is not installed (package prometheus): run tools/setup --tests";

// What `promtool check metrics` says; "" when it finds nothing.
std::string CheckMetrics(const std::string& text) {
  const std::string file = testing::TempDir() + "/metrics.txt";
  FILE* const written = fopen(file.c_str(), "w");
  EXPECT_EQ(fwrite(text.data(), 1, text.size(), written), text.size());
  fclose(written);
  FILE* const tool = popen(
      (std::string(kPromtool) + " check metrics < " + file + " 2>&1").c_str(),
      "r");
  std::string said;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), tool)) {
    said.append(buffer, size);
  }
  const int status = pclose(tool);
  if (status != 0 && said.empty()) said = "it failed";
  return said;
}

class CollectableTest : public testing::Test {
 protected:
  CollectableTest() {
    SendSampleEvents("b1:1", metrics_.get());
    metrics_->OnChannel(channel_);
  }

  const std::shared_ptr<Metrics> metrics_ = Metrics::Create();
  const std::shared_ptr<FixedChannel> channel_ = SampleChannel("b1:1");
};

TEST_F(CollectableTest, EveryMetricOfTheTableIsThere) {
  std::set<std::string> names;
  for (const auto& family : MakeCollectable(metrics_)->Collect()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.metric.empty()) << family.name;
  }
  for (const MetricSpec& spec : MetricTable()) {
    EXPECT_EQ(names.count(std::string(spec.name)), 1u) << spec.name;
  }
  EXPECT_EQ(names.size(), kMetrics);
}

TEST_F(CollectableTest, AHistogramIsCumulative) {
  const auto families = MakeCollectable(metrics_)->Collect();
  const auto& duration = families[0];
  ASSERT_EQ(duration.name, "multi_backend_attempt_duration_seconds");
  EXPECT_EQ(duration.type, prometheus::MetricType::Histogram);
  ASSERT_EQ(duration.metric.size(), 1u);
  const auto& histogram = duration.metric[0].histogram;
  ASSERT_EQ(histogram.bucket.size(), kBuckets);
  EXPECT_EQ(histogram.sample_count, 1u);
  EXPECT_DOUBLE_EQ(histogram.sample_sum, 0.003);
  for (size_t i = 0; i < kBuckets; ++i) {
    EXPECT_EQ(histogram.bucket[i].cumulative_count,
              histogram.bucket[i].upper_bound >= 0.003 ? 1u : 0u);
  }
  EXPECT_TRUE(std::isinf(histogram.bucket.back().upper_bound));
}

TEST_F(CollectableTest, PromtoolFindsNothingWrong) {
  MB_REQUIRE_PACKAGE(access(kPromtool, X_OK) == 0, kHowToInstall);
  SendSampleEvents(std::string(1 << 20, 'x'), metrics_.get());
  SendSampleEvents("\xff\"\\\n\t", metrics_.get());
  SendSampleEvents("\xfe\"\\\n\t", metrics_.get());
  EXPECT_EQ(CheckMetrics(PrometheusText(metrics_->Collect())), "");
  EXPECT_EQ(CheckMetrics(prometheus::TextSerializer().Serialize(
                MakeCollectable(metrics_)->Collect())),
            "");
  // It would find a name without `_total`.
  EXPECT_NE(CheckMetrics("# HELP a b\n# TYPE a counter\na 1\n"), "");
}

}  // namespace
}  // namespace multi_backend

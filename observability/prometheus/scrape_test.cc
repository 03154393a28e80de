// A real Prometheus scrapes an exposer of this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/testing/sample_events.h"
#include "multi_backend/observability/prometheus/collectable.h"
#include "multi_backend/tests/testing/prometheus_server.h"

namespace multi_backend {
namespace {

// Makes 30 attempts at b1 and 10 at b2 before each scrape, so that the rates of
// any two scrapes are three to one.
class BusyCollectable final : public prometheus::Collectable {
 public:
  explicit BusyCollectable(std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)), collectable_(MakeCollectable(metrics_)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    for (int i = 0; i < 40; ++i) {
      metrics_->OnAttemptEnded(SampleAttempt(i < 30 ? "b1:1" : "b2:1"));
    }
    return collectable_->Collect();
  }

 private:
  const std::shared_ptr<Metrics> metrics_;
  const std::shared_ptr<prometheus::Collectable> collectable_;
};

TEST(ScrapeTest, PrometheusKnowsTheRateOfEachBackend) {
  MB_REQUIRE_PACKAGE(PrometheusServer::Installed(),
                     PrometheusServer::kHowToInstall);
  const auto collectable = std::make_shared<BusyCollectable>(Metrics::Create());
  prometheus::Exposer exposer("127.0.0.1:0");
  exposer.RegisterCollectable(collectable);
  const auto ports = exposer.GetListeningPorts();
  ASSERT_EQ(ports.size(), 1u);
  auto server =
      PrometheusServer::Start(absl::StrCat("127.0.0.1:", ports.front()));
  ASSERT_TRUE(server.ok()) << server.status();
  const auto rates = (*server)->Await(
      "sum by (backend) "
      "(rate(multi_backend_attempt_duration_seconds_count[5m]))",
      [](const PrometheusServer::Samples& samples) {
        return samples.size() == 2 && samples[0].value > 0;
      });
  ASSERT_TRUE(rates.ok()) << rates.status();
  std::map<std::string, double> by_backend;
  for (const PrometheusServer::Sample& sample : *rates) {
    by_backend[sample.labels.at("backend")] = sample.value;
  }
  EXPECT_NEAR(by_backend["b1:1"] / by_backend["b2:1"], 3, 1e-6);

  const auto median = (*server)->Query(
      "histogram_quantile(0.5, sum by (le) "
      "(multi_backend_attempt_duration_seconds_bucket))");
  ASSERT_TRUE(median.ok()) << median.status();
  ASSERT_EQ(median->size(), 1u);
  EXPECT_NEAR(median->front().value, 0.003, 1e-6);
}

}  // namespace
}  // namespace multi_backend

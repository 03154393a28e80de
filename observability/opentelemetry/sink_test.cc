#include "multi_backend/observability/opentelemetry/sink.h"

#include <gtest/gtest.h>
#include <opentelemetry/exporters/memory/in_memory_metric_data.h>
#include <opentelemetry/exporters/memory/in_memory_metric_exporter_factory.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/sdk/metrics/data/point_data.h>
#include <opentelemetry/sdk/metrics/export/periodic_exporting_metric_reader_factory.h>
#include <opentelemetry/sdk/metrics/export/periodic_exporting_metric_reader_options.h>
#include <opentelemetry/sdk/metrics/meter_provider.h>
#include <opentelemetry/sdk/metrics/meter_provider_factory.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "multi_backend/observability/metrics/metric_table.h"
#include "multi_backend/observability/metrics/testing/sample_events.h"

namespace multi_backend {
namespace {

namespace memory = opentelemetry::exporter::memory;
namespace sdk = opentelemetry::sdk::metrics;
namespace nostd = opentelemetry::nostd;

using Attributes = std::map<std::string, std::string>;

// Keeps the newest batch of data.
class NewestData final : public memory::InMemoryMetricData {
 public:
  void Add(std::unique_ptr<sdk::ResourceMetrics> metrics) override {
    newest = std::move(metrics);
  }
  std::unique_ptr<sdk::ResourceMetrics> newest;
};

// All texts; the value of a sum or gauge, the count of a histogram.
using Points = std::map<std::string, std::map<Attributes, double>>;

double ValueOf(const sdk::PointType& point) {
  if (nostd::holds_alternative<sdk::HistogramPointData>(point)) {
    return static_cast<double>(
        nostd::get<sdk::HistogramPointData>(point).count_);
  }
  const sdk::ValueType value =
      nostd::holds_alternative<sdk::SumPointData>(point)
          ? nostd::get<sdk::SumPointData>(point).value_
          : nostd::get<sdk::LastValuePointData>(point).value_;
  return nostd::holds_alternative<double>(value)
             ? nostd::get<double>(value)
             : static_cast<double>(nostd::get<int64_t>(value));
}

class OpenTelemetrySinkTest : public testing::Test {
 protected:
  OpenTelemetrySinkTest() {
    sdk::PeriodicExportingMetricReaderOptions options;
    options.export_interval_millis = std::chrono::hours(1);
    options.export_timeout_millis = std::chrono::minutes(1);
    auto provider = sdk::MeterProviderFactory::Create();
    provider_.reset(static_cast<sdk::MeterProvider*>(provider.release()));
    provider_->AddMetricReader(
        sdk::PeriodicExportingMetricReaderFactory::Create(
            memory::InMemoryMetricExporterFactory::Create(data_), options));
    opentelemetry::metrics::Provider::SetMeterProvider(
        nostd::shared_ptr<opentelemetry::metrics::MeterProvider>(provider_));
  }
  ~OpenTelemetrySinkTest() override {
    opentelemetry::metrics::Provider::SetMeterProvider(
        nostd::shared_ptr<opentelemetry::metrics::MeterProvider>());
  }

  Points Collect() {
    Points points;
    EXPECT_TRUE(provider_->ForceFlush());
    if (data_->newest == nullptr) return points;
    for (const auto& scope : data_->newest->scope_metric_data_) {
      for (const sdk::MetricData& metric : scope.metric_data_) {
        for (const auto& point : metric.point_data_attr_) {
          Attributes attributes;
          for (const auto& attribute : point.attributes) {
            attributes[attribute.first] =
                nostd::get<std::string>(attribute.second);
          }
          points[metric.instrument_descriptor.name_][attributes] =
              ValueOf(point.point_data);
        }
      }
    }
    return points;
  }

  const std::shared_ptr<NewestData> data_ = std::make_shared<NewestData>();
  std::shared_ptr<sdk::MeterProvider> provider_;
};

TEST_F(OpenTelemetrySinkTest, EventsHaveGrpcAttributes) {
  const auto sink = MakeOpenTelemetrySink();
  SendSampleEvents("b1:1", sink.get());
  SendSampleEvents("b1:1", sink.get());
  Points points = Collect();
  EXPECT_EQ((points["multi_backend.attempt.duration"]
                   [{{"grpc.target", "dns:///users"},
                     {"grpc.method", "acme.Users/GetUser"},
                     {"grpc.status", "OK"},
                     {"multi_backend.backend", "b1:1"},
                     {"multi_backend.role", "replica"}}]),
            2);
  EXPECT_EQ((points["multi_backend.call.duration"]
                   [{{"grpc.target", "dns:///users"},
                     {"grpc.method", "acme.Users/GetUser"},
                     {"grpc.status", "OK"},
                     {"multi_backend.route", "reads"}}]),
            2);
  EXPECT_EQ((points["multi_backend.retries"]
                   [{{"grpc.target", "dns:///users"},
                     {"grpc.method", "acme.Users/GetUser"},
                     {"multi_backend.outcome", "different_backend"}}]),
            2);
  EXPECT_EQ((points["multi_backend.waited"][{{"grpc.target", "dns:///users"},
                                             {"multi_backend.where", "pick"}}]),
            2);
  EXPECT_EQ((points["multi_backend.ejections"]
                   [{{"grpc.target", "dns:///users"},
                     {"multi_backend.backend", "b1:1"},
                     {"multi_backend.reason", "failed_calls"}}]),
            2);
}

TEST_F(OpenTelemetrySinkTest, EveryMetricOfTheTableIsThere) {
  const auto sink = MakeOpenTelemetrySink();
  SendSampleEvents("b1:1", sink.get());
  const auto channel = SampleChannel("b1:1");
  sink->OnChannel(channel);
  Points points = Collect();
  for (const MetricSpec& spec : MetricTable()) {
    const bool left_out = spec.metric == Metric::kBuildInfo ||
                          spec.metric == Metric::kSeriesOverflows;
    EXPECT_EQ(points.count(spec.DottedName()), left_out ? 0u : 1u)
        << spec.DottedName();
  }
  EXPECT_EQ((points["multi_backend.backend.state"]
                   [{{"grpc.target", "dns:///users"},
                     {"multi_backend.backend", "b1:1"},
                     {"multi_backend.state", "DOWN"}}]),
            1);
}

TEST_F(OpenTelemetrySinkTest, NothingIsAskedOfASinkThatHasGone) {
  const auto channel = SampleChannel("b1:1");
  MakeOpenTelemetrySink()->OnChannel(channel);
  Points points = Collect();
  EXPECT_EQ(points.count("multi_backend.backend.state"), 0u);
}

}  // namespace
}  // namespace multi_backend

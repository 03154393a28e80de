#include "multi_backend/observability/prometheus/collectable.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace multi_backend {
namespace {

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric::Histogram Translate(const HistogramValue& value) {
  prometheus::ClientMetric::Histogram histogram;
  histogram.bucket.reserve(kBuckets);
  uint64_t cumulative = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    prometheus::ClientMetric::Bucket& bucket = histogram.bucket.emplace_back();
    bucket.cumulative_count = cumulative += value.counts[i];
    bucket.upper_bound = i < kBoundaries
                             ? kBoundarySeconds[i]
                             : std::numeric_limits<double>::infinity();
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum = value.sum_seconds;
  return histogram;
}

prometheus::ClientMetric Translate(const MetricSpec& spec,
                                   const SeriesValue& series) {
  prometheus::ClientMetric metric;
  metric.label.reserve(spec.labels.size());
  for (size_t i = 0; i < spec.labels.size(); ++i) {
    prometheus::ClientMetric::Label& label = metric.label.emplace_back();
    label.name = std::string(spec.labels[i]);
    label.value = (*series.labels)[i];
  }
  switch (spec.kind) {
    case MetricKind::kCounter:
      metric.counter.value = series.value;
      break;
    case MetricKind::kGauge:
      metric.gauge.value = series.value;
      break;
    case MetricKind::kHistogram:
      metric.histogram = Translate(series.histogram);
      break;
  }
  return metric;
}

class MetricsCollectable final : public prometheus::Collectable {
 public:
  explicit MetricsCollectable(std::shared_ptr<Metrics> metrics)
      : metrics_(std::move(metrics)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const MetricsSnapshot snapshot = metrics_->Collect();
    std::vector<prometheus::MetricFamily> families;
    for (const SeriesFamily& family : snapshot.families) {
      if (family.series.empty()) continue;
      prometheus::MetricFamily& translated = families.emplace_back();
      translated.name = std::string(family.spec->name);
      translated.help = std::string(family.spec->help);
      translated.type = TypeOf(family.spec->kind);
      translated.metric.reserve(family.series.size());
      for (const SeriesValue& series : family.series) {
        translated.metric.push_back(Translate(*family.spec, series));
      }
    }
    return families;
  }

 private:
  const std::shared_ptr<Metrics> metrics_;
};

}  // namespace

std::shared_ptr<prometheus::Collectable> MakeCollectable(
    std::shared_ptr<Metrics> metrics) {
  return std::make_shared<MetricsCollectable>(std::move(metrics));
}

}  // namespace multi_backend

// MetricsSnapshot: all metrics at one moment, as plain values.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_SNAPSHOT_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/observability/metrics/latency_buckets.h"
#include "multi_backend/observability/metrics/metric_table.h"

namespace multi_backend {

struct HistogramValue {
  // Not cumulative: counts[i] are those above boundary i-1 and up to boundary
  // i (kBoundarySeconds).
  uint64_t counts[kBuckets] = {};
  double sum_seconds = 0;

  uint64_t count() const {
    uint64_t total = 0;
    for (uint64_t bucket : counts) total += bucket;
    return total;
  }
};

struct SeriesValue {
  // In the order of MetricSpec::labels: valid UTF-8, at most kMaxLabelBytes
  // each.  Never null; shared between snapshots.
  std::shared_ptr<const std::vector<std::string>> labels;
  double value = 0;          // Of a counter or gauge.
  HistogramValue histogram;  // Of a histogram.
};

struct SeriesFamily {
  const MetricSpec* spec = nullptr;
  std::vector<SeriesValue> series;  // In no particular order.
};

struct MetricsSnapshot {
  SeriesFamily families[kMetrics];  // In the order of Metric.

  MetricsSnapshot() {
    for (size_t i = 0; i < kMetrics; ++i) families[i].spec = &MetricTable()[i];
  }
  SeriesFamily& operator[](Metric metric) {
    return families[static_cast<size_t>(metric)];
  }
  const SeriesFamily& operator[](Metric metric) const {
    return families[static_cast<size_t>(metric)];
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_SNAPSHOT_H_

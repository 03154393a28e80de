// MetricTable(): every metric of the library, with its name, kind, unit, labels
// and help text.
//
// It is the only place that knows them.  The aggregate, the exporters, the
// alert rules, the dashboard and docs/metrics.md follow it, and tests check
// those that are written by hand.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_METRIC_TABLE_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_METRIC_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace multi_backend {

enum class Metric : uint8_t {
  kAttemptDuration,
  kCallDuration,
  kRetries,
  kWaited,
  kBackendState,
  kInFlight,
  kEffectiveWeight,
  kConnections,
  kBacklogCalls,
  kPanic,
  kEjections,
  kTransitions,
  kProbes,
  kResolverUpdates,
  kResolverLastSuccess,
  kResolverEndpoints,
  kRouteMatches,
  kBuildInfo,
  kSeriesOverflows,
};
constexpr size_t kMetrics = static_cast<size_t>(Metric::kSeriesOverflows) + 1;

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

// The most labels that a metric has.
constexpr size_t kMaxMetricLabels = 6;

struct MetricSpec {
  Metric metric;
  MetricKind kind;
  absl::string_view name;  // Of Prometheus, with unit and suffix.
  // Of OpenTelemetry: "s", "{retry}", ….
  absl::string_view unit;
  absl::Span<const absl::string_view> labels;  // In the order of the values.
  absl::string_view help;                      // One line.

  // OpenTelemetry's name: dots, without the unit and `_total`.
  std::string DottedName() const;
};

// In the order of Metric.
absl::Span<const MetricSpec> MetricTable();

inline const MetricSpec& SpecOf(Metric metric) {
  return MetricTable()[static_cast<size_t>(metric)];
}

// "counter", "gauge", "histogram".
absl::string_view MetricKindName(MetricKind kind);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_METRIC_TABLE_H_

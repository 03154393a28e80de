// What tests ask a MetricsSnapshot for.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_FIND_SERIES_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_FIND_SERIES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/observability/metrics/snapshot.h"

namespace multi_backend {

// The series with these labels, in the order of the table; unset if there is
// none.
inline absl::optional<SeriesValue> FindSeries(
    const MetricsSnapshot& snapshot, Metric metric,
    const std::vector<std::string>& labels) {
  for (const SeriesValue& value : snapshot[metric].series) {
    if (*value.labels == labels) return value;
  }
  return absl::nullopt;
}

// The value of a counter or gauge, the count of a histogram; -1 without one.
inline double ValueOf(const MetricsSnapshot& snapshot, Metric metric,
                      const std::vector<std::string>& labels) {
  const auto found = FindSeries(snapshot, metric, labels);
  if (!found.has_value()) return -1;
  return SpecOf(metric).kind == MetricKind::kHistogram
             ? static_cast<double>(found->histogram.count())
             : found->value;
}

// The number of all series.
inline size_t CountSeries(const MetricsSnapshot& snapshot) {
  size_t count = 0;
  for (const SeriesFamily& family : snapshot.families) {
    count += family.series.size();
  }
  return count;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_TESTING_FIND_SERIES_H_

#include "multi_backend/observability/metrics/merge_equal_series.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

namespace multi_backend {

void MergeEqualSeries(SeriesFamily* family) {
  absl::flat_hash_map<absl::Span<const std::string>, size_t> index;
  std::vector<SeriesValue> merged;
  for (SeriesValue& value : family->series) {
    const auto [place, is_new] = index.emplace(*value.labels, merged.size());
    if (is_new) {
      merged.push_back(std::move(value));
      continue;
    }
    SeriesValue& sum = merged[place->second];
    sum.value += value.value;
    sum.histogram.sum_seconds += value.histogram.sum_seconds;
    for (size_t i = 0; i < kBuckets; ++i) {
      sum.histogram.counts[i] += value.histogram.counts[i];
    }
  }
  family->series = std::move(merged);
}

}  // namespace multi_backend

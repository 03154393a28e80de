// MergeEqualSeries(): each label set once, as exporters require.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_MERGE_EQUAL_SERIES_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_MERGE_EQUAL_SERIES_H_

#include "multi_backend/observability/metrics/snapshot.h"

namespace multi_backend {

// Adds up the series whose labels are equal.
void MergeEqualSeries(SeriesFamily* family);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_MERGE_EQUAL_SERIES_H_

// PrometheusText(): metrics in Prometheus' text format, version 0.0.4.
//
// prometheus-cpp has a serializer too, which takes several times as long: it
// formats each label again for each of the 20 lines of a histogram.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_TEXT_FORMAT_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_TEXT_FORMAT_H_

#include <string>

#include "multi_backend/observability/metrics/snapshot.h"

namespace multi_backend {

constexpr char kPrometheusContentType[] =
    "text/plain; version=0.0.4; charset=utf-8";

// Metrics without series are left out.
std::string PrometheusText(const MetricsSnapshot& snapshot);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_TEXT_FORMAT_H_

// MakeCollectable(): the metrics of this library in an application's own
// Prometheus exposer.
//
//   auto metrics = multi_backend::Metrics::Create();
//   auto collectable = multi_backend::MakeCollectable(metrics);
//   prometheus::Exposer exposer("127.0.0.1:9464");
//   exposer.RegisterCollectable(collectable);  // Keeps only a weak reference.
//
// The target is //observability/prometheus, which links prometheus-cpp's core
// (package prometheus-cpp-dev).  An application that has no exposer may use
// PrometheusText() or the status page's `/metrics`.
#ifndef MULTI_BACKEND_OBSERVABILITY_PROMETHEUS_COLLECTABLE_H_
#define MULTI_BACKEND_OBSERVABILITY_PROMETHEUS_COLLECTABLE_H_

#include <memory>

#include "multi_backend/observability/metrics/metrics.h"

namespace prometheus {
class Collectable;
}

namespace multi_backend {

// `metrics` is not null.  The result is thread-safe; each Collect() of it makes
// one of `metrics`.  Metrics without series are left out.
std::shared_ptr<prometheus::Collectable> MakeCollectable(
    std::shared_ptr<Metrics> metrics);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_PROMETHEUS_COLLECTABLE_H_

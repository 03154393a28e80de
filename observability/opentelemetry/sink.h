// MakeOpenTelemetrySink(): the metrics of this library for OpenTelemetry.
//
//   // After the application has set its global MeterProvider.
//   options.sinks.push_back(multi_backend::MakeOpenTelemetrySink());
//
// The target is //observability/opentelemetry, which exists where OpenTelemetry
// does (package opentelemetry-cpp-dev, Debian 13 and newer).  It uses the
// headers of the API alone, and links nothing; the application brings the SDK.
//
// Instruments: MetricSpec::DottedName() of MetricTable().  Attributes:
// grpc.target, grpc.method ("package.Service/Method", or "other") and
// grpc.status; the other labels are multi_backend.backend,
// multi_backend.role, ….  build_info and series_overflows are not reported: the
// SDK bounds the number of attribute sets itself, and describes the process.
//
// The SDK's own boundaries of histograms are meant for milliseconds, and only a
// View can set others: give kBoundarySeconds to one for
// "multi_backend.*.duration" and "multi_backend.waited".
//
// Cost: each event builds its attributes and is aggregated by the SDK under a
// lock, some microseconds.  Where that matters, use Metrics, which Prometheus
// and the OpenTelemetry Collector can scrape.
#ifndef MULTI_BACKEND_OBSERVABILITY_OPENTELEMETRY_SINK_H_
#define MULTI_BACKEND_OBSERVABILITY_OPENTELEMETRY_SINK_H_

#include <memory>

#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

// For the global MeterProvider of this moment, which must outlive the sink.
// Thread-safe, also while the SDK collects.
std::shared_ptr<MetricsSink> MakeOpenTelemetrySink();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_OPENTELEMETRY_SINK_H_

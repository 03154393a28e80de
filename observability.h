// Observability: what the calls and the backends of channels do.
//
// A channel reports to the sinks in ChannelExtras::sinks, and each ended call
// to ChannelExtras::on_call_end:
//
//   multi_backend::ChannelOptions options;
//   options.on_call_end = [](const multi_backend::CallEnded& call) {
//     if (call.attempts_made > 1) …
//   };
//
// AttemptTrail shows the application that makes a call which backends the call
// has tried, and why.
//
// `Metrics` is a sink that counts, and MakeCollectable() gives its counts to
// Prometheus (docs/metrics.md).  `Monitor` is a sink that also keeps events and
// recent calls, for the status page (docs/status_page.md):
//
//   auto monitor = multi_backend::Monitor::Create();
//   channel_options.sinks.push_back(monitor);
//   multi_backend::StatusOptions status_options;
//   status_options.monitor = monitor;
//   auto server = multi_backend::ServeStatus(std::move(status_options));
//
// These are targets of their own.  A program that uses a name without its
// target does not link:
//
//   //observability/metrics                   Metrics, PrometheusText()
//   //observability/prometheus                MakeCollectable()
//   //observability/opentelemetry             MakeOpenTelemetrySink()
//   //observability/admin:monitor             Monitor
//   //observability/admin/grpc:admin_service  MakeAdminService()
//   //observability/admin/http:status_server  ServeStatus()
//
// API of this header: MetricsSink with what it is told (AttemptEnded,
// CallEnded, StateChanged, Label, PassedOver, TrailSampling and their enums);
// ChannelSource with what it tells (ChannelStatus and its parts); AttemptTrail,
// CallTrail with its parts, and Describe() for the words of their enums;
// Metrics with MetricsOptions, MetricsSnapshot and its parts, MetricTable with
// MetricSpec, Metric and MetricKind, PrometheusText, kPrometheusContentType,
// kBoundarySeconds; MakeCollectable; MakeOpenTelemetrySink; Monitor with
// MonitorOptions and Create; ServeStatus with StatusOptions and StatusServer;
// MakeAdminService with AdminOptions.
#ifndef MULTI_BACKEND_OBSERVABILITY_H_
#define MULTI_BACKEND_OBSERVABILITY_H_

#include "multi_backend/observability/admin/grpc/admin_service.h"
#include "multi_backend/observability/admin/http/status_server.h"
#include "multi_backend/observability/admin/monitor.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/text_format.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/observability/opentelemetry/sink.h"
#include "multi_backend/observability/prometheus/collectable.h"
#include "multi_backend/observability/trail/call_trail.h"
#include "multi_backend/observability/trail/grpc/attempt_trail.h"

#endif  // MULTI_BACKEND_OBSERVABILITY_H_

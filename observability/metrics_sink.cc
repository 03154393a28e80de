#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

void MetricsSink::OnAttemptEnded(const AttemptEnded&) {}
void MetricsSink::OnCallEnded(const CallEnded&) {}
void MetricsSink::OnStateChanged(const StateChanged&) {}
void MetricsSink::OnChannel(const std::weak_ptr<ChannelSource>&) {}
TrailSampling MetricsSink::trail_sampling() const { return {}; }

}  // namespace multi_backend

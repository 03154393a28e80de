// Monitor: what the admin service and the status page tell about a process.
//
//   auto monitor = multi_backend::Monitor::Create();
//   options.sinks.push_back(monitor);  // Of each channel to be seen.
//   auto server = multi_backend::ServeStatus({.monitor = monitor});
//
// A Monitor keeps the newest events, the last calls with their trails, the
// counts of the last minute for each backend, and the metrics.  It reads the
// present state of channels and backends only when it is asked.  All of it is
// bounded: by default about 5 MB and 5 KB for each backend that has calls.
//
// Threads: any.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_MONITOR_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_MONITOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/live_channels.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

namespace admin {
namespace v1 {
class Calls;
class Config;
class Status;
class GetCallsRequest;
class GetConfigRequest;
class GetStatusRequest;
}  // namespace v1
}  // namespace admin

class EventLog;       // event_log.h
class MinuteSamples;  // minute_samples.h
class Metrics;        // observability/metrics/metrics.h
class RecentCalls;    // recent_calls.h

struct MonitorOptions {
  // What the monitor passes everything on to, for /metrics.  Null = it makes
  // one.  A channel must not have both as sinks, or it is counted twice.
  std::shared_ptr<Metrics> metrics;
  // How many calls, and how many bytes of them, are kept.  Failed, retried and
  // sampled calls share this room; the oldest go first.
  size_t max_calls = 1000;
  size_t max_call_bytes = 4 << 20;
  // Of the calls that neither failed nor were retried, one call in this many is
  // kept; 0 = none.
  uint32_t sample_one_in = 100;
  // How many backends have a sparkline at a time.
  size_t max_sampled_backends = 2000;
  // For tests.  The clock of the events and of the calls.
  std::function<absl::Time()> now = SteadyNow;
};

class Monitor : public MetricsSink {
 public:
  static std::shared_ptr<Monitor> Create(MonitorOptions options = {});
  ~Monitor() override;

  void OnAttemptEnded(const AttemptEnded& attempt) override;
  void OnCallEnded(const CallEnded& call) override;
  void OnStateChanged(const StateChanged& change) override;
  void OnChannel(const std::weak_ptr<ChannelSource>& channel) override;
  TrailSampling trail_sampling() const override;

  // --- For the admin service and the status page ---------------------------

  // Costs about 2 us for each backend.  Leaves `actions_enabled` to the
  // caller.
  admin::v1::Status GetStatus(const admin::v1::GetStatusRequest& request) const;
  admin::v1::Calls GetCalls(const admin::v1::GetCallsRequest& request) const;
  admin::v1::Config GetConfig(const admin::v1::GetConfigRequest& request) const;
  EventLog& events() const { return *events_; }
  const std::shared_ptr<Metrics>& metrics() const { return metrics_; }

  // The channels to this target that live, oldest first; "" = to all targets.
  std::vector<LiveChannels::Channel> Channels(absl::string_view target) const;
  absl::Time now() const { return options_.now(); }

 private:
  explicit Monitor(MonitorOptions options);

  const MonitorOptions options_;
  const absl::Time started_;
  const std::shared_ptr<Metrics> metrics_;
  const std::unique_ptr<EventLog> events_;
  const std::unique_ptr<RecentCalls> calls_;
  const std::unique_ptr<MinuteSamples> samples_;
  LiveChannels channels_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_MONITOR_H_

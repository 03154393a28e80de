// SinkReporter: tells a channel's sinks of the events of its backends, its
// backlogs and its panic.
//
// Threads: the caller serialises the calls.  The sinks run on its thread.
#ifndef MULTI_BACKEND_LB_POLICY_STATUS_SINK_REPORTER_H_
#define MULTI_BACKEND_LB_POLICY_STATUS_SINK_REPORTER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

class SinkReporter {
 public:
  using Sinks = std::vector<std::shared_ptr<MetricsSink>>;

  SinkReporter(std::string target, Sinks sinks)
      : target_(std::move(target)), sinks_(std::move(sinks)) {}

  bool empty() const { return sinks_.empty(); }
  void Report(const PoolEvent& event) const;

 private:
  const std::string target_;
  const Sinks sinks_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STATUS_SINK_REPORTER_H_

// Prober: probes one backend repeatedly until the prober is destroyed.
//
//   Prober prober({interval, timeout, seed}, factory->Make(endpoint, address),
//                 TimerQueue::Shared(), [&](const ProbeResult& result) {
//                   … tell the health tracker …
//                   return tracker.probe_delay();
//                 });
//
// Sharing: in a process, one probe runs for all probers whose probes have equal
// identities, whose intervals and timeouts are equal, and which use the same
// timers.  Each gets every result, and the shortest of the delays that they
// return counts.  So all channels to a backend probe it once, while each pool
// judges the results by thresholds of its own.
//
// Pace: the first probe starts at a random moment of the first `interval`, or
// of `first_within`, if that is set. Each further delay is drawn from 0.9
// to 1.1 times what `on_result` returned. Both keep backends, channels and
// processes that start together from probing in bursts.  A delay begins with
// the result of a probe, so probes never overlap.
//
// Deterministic: all times follow from the options, the results and the timers.
//
// Threads: `on_result` runs on the probe's threads, one call at a time, with no
// lock of the prober held.  An `on_result` that blocks delays the other probers
// that share the probe.  Any thread may destroy the prober, also inside
// `on_result`.  When the destructor returns, `on_result` will not run any more
// and is not running on another thread.  The destructor may wait for
// `on_result`, so the caller must hold no lock that `on_result` takes.
//
// Cost: one timer or one probe at a time; no thread of its own.
#ifndef MULTI_BACKEND_HEALTH_PROBES_PROBER_H_
#define MULTI_BACKEND_HEALTH_PROBES_PROBER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timers.h"

namespace multi_backend {

struct ProberOptions {
  absl::Duration interval = absl::Seconds(5);
  absl::Duration timeout = absl::Seconds(2);  // For each probe.
  uint64_t seed = 0;  // Must differ between probers and processes.
  // The longest first delay; unset = `interval`.
  absl::optional<absl::Duration> first_within = absl::nullopt;
};

class Prober {
 public:
  // Receives each result and returns the delay until the next probe.
  using OnResult = std::function<absl::Duration(const ProbeResult&)>;

  // Starts probing.  Requires that `probe` and `timers` are not null.
  Prober(const ProberOptions& options, std::unique_ptr<Probe> probe,
         std::shared_ptr<Timers> timers, OnResult on_result);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

 private:
  class Loop;
  struct Subscriber;

  // Shared with a running timer or probe, which may outlive the prober.
  const std::shared_ptr<Subscriber> subscriber_;
  const std::shared_ptr<Loop> loop_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_PROBER_H_

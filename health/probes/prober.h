// Prober: keeps probing one backend until it is destroyed.
//
//   Prober prober({interval, timeout, seed}, factory->Make(endpoint, address),
//                 TimerQueue::Shared(), [&](const ProbeResult& result) {
//                   … tell the health tracker …
//                   return tracker.probe_delay();
//                 });
//
// The first probe starts at a random moment of the first `interval`, and each
// delay is drawn from 0.9 to 1.1 of what `on_result` asks for, so that many
// backends, channels or processes that begin together make no burst.  The delay
// counts from the result, so a probe never overlaps its predecessor.
//
// Deterministic: times follow from the options, the results and the timers.
//
// Threads: `on_result` runs on the probe's threads, one call at a time, with no
// lock of the prober held.  The prober may be destroyed from any thread, also
// inside `on_result`.  When the destructor returns, `on_result` is not running
// (unless on this very thread) and will not run: so no lock may be held that it
// takes.
//
// Cost: one timer or one probe at a time; no thread of its own.
#ifndef MULTI_BACKEND_HEALTH_PROBES_PROBER_H_
#define MULTI_BACKEND_HEALTH_PROBES_PROBER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timers.h"

namespace multi_backend {

struct ProberOptions {
  absl::Duration interval = absl::Seconds(5);  // Bounds the first delay.
  absl::Duration timeout = absl::Seconds(2);   // Of each probe.
  uint64_t seed = 0;  // Another one for each backend and process.
};

class Prober {
 public:
  // Gets each result; returns how long to wait before the next probe.
  using OnResult = std::function<absl::Duration(const ProbeResult&)>;

  // Probing has begun when this returns.  `probe` and `timers` not null.
  Prober(const ProberOptions& options, std::unique_ptr<Probe> probe,
         std::shared_ptr<Timers> timers, OnResult on_result);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

 private:
  class Loop;
  // Shared with what runs just now, which may outlive the prober.
  const std::shared_ptr<Loop> loop_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_PROBER_H_

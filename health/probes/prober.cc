#include "multi_backend/health/probes/prober.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

// Spreads the probes of backends that would otherwise be probed in step.
// Small, so that delays remain close to the configured interval.
constexpr double kJitter = 0.1;

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", 2014).  It gives unrelated numbers for neighbouring seeds, which
// the generators of <random> do not promise.  The result is in [0, 1).
double NextUnit(uint64_t& state) {
  uint64_t bits = (state += 0x9e3779b97f4a7c15);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

// The state of a prober.  At any time either a timer is pending or a probe is
// running.
class Prober::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(const ProberOptions& options, std::unique_ptr<Probe> probe,
       std::shared_ptr<Timers> timers, OnResult on_result)
      : timeout_(options.timeout),
        timers_(std::move(timers)),
        on_result_(std::move(on_result)),
        probe_(std::move(probe)),
        random_(options.seed) {}

  void Begin(absl::Duration interval) {
    MutexLock lock(&mu_);
    ScheduleLocked(NextUnit(random_) * interval);
  }

  void End() {
    uint64_t timer;
    {
      MutexLock lock(&mu_);
      ended_ = true;
      timer = timer_;
    }
    // Without the lock, because these two wait for functions that may take it
    // to schedule the next probe.
    timers_->Cancel(timer);
    probe_.reset();
  }

 private:
  void ScheduleLocked(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    timer_ =
        timers_->RunAfter(std::max(delay, absl::ZeroDuration()),
                          [self = shared_from_this()] { self->StartProbe(); });
  }

  void StartProbe() {
    {
      MutexLock lock(&mu_);
      if (ended_) return;
    }
    // No lock is needed for `probe_`: End() waits for this function before it
    // destroys the probe.  The exception is an End() that `done` itself calls
    // in here, and this function does not use the probe after that.
    probe_->Start(timeout_,
                  [self = shared_from_this()](const ProbeResult& result) {
                    self->OnProbeResult(result);
                  });
  }

  void OnProbeResult(const ProbeResult& result) {
    const absl::Duration delay = on_result_(result);
    MutexLock lock(&mu_);
    if (ended_) return;
    const double unit = NextUnit(random_);
    ScheduleLocked(delay * (1 - kJitter + 2 * kJitter * unit));
  }

  const absl::Duration timeout_;
  const std::shared_ptr<Timers> timers_;
  const OnResult on_result_;
  std::unique_ptr<Probe> probe_;
  Mutex mu_;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t timer_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t random_ ABSL_GUARDED_BY(mu_);
};

Prober::Prober(const ProberOptions& options, std::unique_ptr<Probe> probe,
               std::shared_ptr<Timers> timers, OnResult on_result)
    : loop_(std::make_shared<Loop>(options, std::move(probe), std::move(timers),
                                   std::move(on_result))) {
  loop_->Begin(options.interval);
}

Prober::~Prober() { loop_->End(); }

}  // namespace multi_backend

// Timers: runs functions later; what the code that probes knows of the clock.
//
// TimerQueue does it in real time; tests have one in virtual time.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_
#define MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace multi_backend {

class Timers {
 public:
  virtual ~Timers() = default;

  // Runs `fn` once, `delay` from now (at once when it is not positive), on
  // another thread or later on this one, with no lock held.  `fn` must be
  // short.  The answer names it for Cancel(); it is never 0.
  virtual uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) = 0;

  // When this returns, the function is neither running nor will it run, and it
  // has been destroyed.  Called from that very function it does not wait.  An
  // id that has run, was cancelled or never was: no-op.
  virtual void Cancel(uint64_t id) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_

// Timers: runs functions after a delay.  It is the only access to time that
// probing code has, so that tests can replace the clock.
//
// TimerQueue is the implementation in real time; tests use one in virtual time.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_
#define MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace multi_backend {

class Timers {
 public:
  virtual ~Timers() = default;

  // Runs `fn` once, `delay` from now, or at once if `delay` is not positive.
  // `fn` runs on another thread or later on this one, with no lock held.
  // Requires that `fn` is short.  Returns an id for Cancel(), which is never 0.
  virtual uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) = 0;

  // When Cancel() returns, the function is not running, will not run, and has
  // been destroyed.  A function may cancel itself; Cancel() then does not wait
  // for it.  No-op for an id that has run, was cancelled, or was never given
  // out.
  virtual void Cancel(uint64_t id) = 0;

  // As Cancel(), but lets a function that is running go on.  So the caller may
  // hold a lock that the function takes, if the function's captures do not.
  virtual void Drop(uint64_t id) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_TIMERS_H_

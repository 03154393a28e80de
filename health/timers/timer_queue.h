// TimerQueue: an implementation of Timers with one thread that runs the
// functions.
//
//   auto timers = TimerQueue::Shared();
//   const uint64_t id = timers->RunAfter(absl::Seconds(1), [] { … });
//   timers->Cancel(id);
//
// Guarantees: functions run one after the other, in the order of their times,
// and never early.  Functions with equal times run in the order of the
// RunAfter() calls.  Time is monotonic, so setting the machine's clock changes
// nothing.  Delays above 100 years count as 100 years.
//
// The thread starts with the first RunAfter(), receives no signals, and sleeps
// while nothing is due.  The destructor drops the functions that have not run
// and joins the thread.  If one of the queue's own functions destroys the
// queue, the destructor does not wait for that function.
//
// Cost: O(log n) for each call, about 150 bytes for each pending timer.
//
// Threads: any.  Cancel() waits for a running function, so the caller must hold
// no lock that the function takes.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_TIMER_QUEUE_H_
#define MULTI_BACKEND_HEALTH_TIMERS_TIMER_QUEUE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "multi_backend/health/timers/timers.h"

namespace multi_backend {

class TimerQueue final : public Timers {
 public:
  // Returns a new queue with a thread of its own.
  static std::shared_ptr<TimerQueue> Make();
  // Returns the queue that the process shares.  It is destroyed with the last
  // reference and made anew when needed.
  static std::shared_ptr<TimerQueue> Shared();

  ~TimerQueue() override;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) override;
  void Cancel(uint64_t id) override;
  void Drop(uint64_t id) override;

 private:
  struct State;

  TimerQueue();
  // Returns whether the function had not run yet.
  bool Remove(uint64_t id);

  // Shared with the thread, which may outlive the queue until its current
  // function returns.
  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_TIMER_QUEUE_H_

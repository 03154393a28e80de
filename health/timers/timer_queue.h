// TimerQueue: one thread that runs functions at given times (a Timers).
//
//   auto timers = TimerQueue::Shared();
//   const uint64_t id = timers->RunAfter(absl::Seconds(1), [] { … });
//   timers->Cancel(id);
//
// Guarantees: functions run one after the other, in the order of their times
// (equal times: in the order of the calls), never early.  Time is monotonic:
// setting the machine's clock changes nothing.  The thread starts with the
// first RunAfter(), takes no signals, and sleeps while nothing is due.
// Destroying the queue drops what has not run and joins the thread; dropped by
// one of its own functions it does not wait for that function.
//
// Cost: O(log n) for each call, about 150 bytes a timer.  A delay above 100
// years is 100 years.
//
// Threads: any.  Cancel() waits for a running function, so no lock may be held
// that the function takes.
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
  // A queue with a thread of its own.
  static std::shared_ptr<TimerQueue> Make();
  // The process's one, which lives as long as somebody holds it.
  static std::shared_ptr<TimerQueue> Shared();

  ~TimerQueue() override;
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) override;
  void Cancel(uint64_t id) override;

 private:
  struct State;

  TimerQueue();

  // Shared with the thread, which may outlive the queue by one function.
  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_TIMER_QUEUE_H_

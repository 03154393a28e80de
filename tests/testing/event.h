// Event: something that one thread waits for and another one reports.
//
// As absl::Notification, which the thread sanitizer does not see through in the
// distribution's build.  May be destroyed as soon as Await() has returned.
//
// Threads: any.
#ifndef MULTI_BACKEND_TESTS_TESTING_EVENT_H_
#define MULTI_BACKEND_TESTS_TESTING_EVENT_H_

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace multi_backend {

class Event {
 public:
  // Once or more often.
  void Set() {
    std::lock_guard<std::mutex> lock(mu_);
    set_ = true;
    // Under the lock: who waits may destroy this right after.
    changed_.notify_all();
  }

  // Whether it was set in time; the time is far above what a test takes.
  bool Await(absl::Duration timeout = absl::Seconds(30)) {
    std::unique_lock<std::mutex> lock(mu_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                             [this] { return set_; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_EVENT_H_

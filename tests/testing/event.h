// Event: one thread waits for it, and another one sets it.
//
// This is absl::Notification for tests under the thread sanitizer, which does
// not see through the distribution's build of Abseil.  An Event may be
// destroyed as soon as Await() has returned.
//
// Thread-safe.
#ifndef MULTI_BACKEND_TESTS_TESTING_EVENT_H_
#define MULTI_BACKEND_TESTS_TESTING_EVENT_H_

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace multi_backend {

class Event {
 public:
  // May be called more than once.
  void Set() {
    std::lock_guard<std::mutex> lock(mu_);
    set_ = true;
    // Notifies under the lock, because the waiting thread may destroy this
    // object right after.
    changed_.notify_all();
  }

  // Whether the event was set in time.  The default is far above what any test
  // needs.
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

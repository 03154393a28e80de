// SourceThread: the one thread of a source that waits for the outside world
// (a file, a server) and is stopped by the source's Close().
//
//   class Source : … {
//     void Start() { thread_.Start("mb_file", [this] { Loop(); }); }
//     SourceThread thread_;  // The last member: it stops before others die.
//   };
//
// The body waits only in poll() with wake_fd() among the descriptors, or in
// Wait(), and returns soon after stopped() is true.  It may call what destroys
// the source (a watch's callback may), so after such a call it must ask the
// Signal, of which it keeps a copy, before it touches the source again.
//
// Threads: Start() once; Stop() and Wake() from any thread, also the body's.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

namespace multi_backend {

class SourceThread {
 public:
  // Shared between the source and its body; outlives both.
  class Signal {
   public:
    Signal();
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    bool stopped() const { return stopped_.load(std::memory_order_acquire); }
    // Readable once stopped, or woken since the last TakeWake(); -1 when the
    // process had no descriptor left: Wait() then looks every 100 ms.
    int wake_fd() const { return fd_; }
    // Whether Wake() was called since the last call.
    bool TakeWake();
    // Returns when stopped, woken (the wake is not taken) or after `timeout`.
    void Wait(absl::Duration timeout) const;

   private:
    friend class SourceThread;
    void Notify();

    const int fd_;
    std::atomic<bool> stopped_{false};
    std::atomic<bool> woken_{false};
  };

  SourceThread() : signal_(std::make_shared<Signal>()) {}
  ~SourceThread() { Stop(); }
  SourceThread(const SourceThread&) = delete;
  SourceThread& operator=(const SourceThread&) = delete;

  // `name`: for debuggers, at most 15 characters.  The thread takes no signals.
  void Start(const char* name, std::function<void()> body);

  // The body has returned when this returns, unless the body itself called it.
  // Idempotent.
  void Stop();

  // Ends the body's wait.
  void Wake();

  const std::shared_ptr<Signal>& signal() const { return signal_; }

 private:
  const std::shared_ptr<Signal> signal_;
  std::mutex mu_;
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

// The time-out of poll(): milliseconds, rounded up; -1 for an infinite one.
// Longer waits than a day become a day.
int PollTimeout(absl::Duration timeout);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_

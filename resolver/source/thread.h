// SourceThread: the thread on which a source waits for the outside world (a
// file, a server), and which the source's Close() stops.
//
//   class Source : … {
//     void Start() { thread_.Start("mb_file", [this] { Loop(); }); }
//     SourceThread thread_;  // The last member: it stops before others die.
//   };
//
// The body must wait only in poll() with wake_fd() among the descriptors, or in
// Wait(), and must return soon after stopped() is true.  Callbacks that the
// body calls may destroy the source.  So the body keeps a copy of the Signal
// and asks it after such a call before it touches the source again.
//
// Threads: Start() is called once; Stop() and Wake() from any thread, the
// body's own included.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "multi_backend/sync/mutex.h"

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
    // Readable when stopped, or woken since the last TakeWake().  -1 when the
    // process had no descriptor left; Wait() then takes at most 100 ms.
    int wake_fd() const { return fd_; }
    // Whether Wake() was called since the last TakeWake().
    bool TakeWake();
    // Returns when stopped or woken, or after `timeout`.  Does not take the
    // wake.
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

  // `name`: for debuggers, at most 15 characters.  The thread blocks all
  // signals.
  void Start(const char* name, std::function<void()> body);

  // Waits until the body has returned, unless the body itself calls it.
  // Idempotent.
  void Stop();

  // Ends the body's wait.
  void Wake();

  const std::shared_ptr<Signal>& signal() const { return signal_; }

 private:
  const std::shared_ptr<Signal> signal_;
  Mutex mu_;
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

// `timeout` as an argument of poll(): milliseconds, rounded up, at most a day;
// -1 for an infinite one.
int PollTimeout(absl::Duration timeout);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_THREAD_H_

// Threads and objects that exist once in a process: StartProcessThread() and
// EndProcessThread() for their threads, ProcessWide for the objects.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_
#define MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

// Starts a thread that receives no signals, because signals are for the threads
// of the application.  `name` is what debuggers show; at most 15 characters.
std::thread StartProcessThread(const char* name, std::function<void()> body);

// Waits for the thread to end.  If `thread` is the calling thread, detaches it
// instead, because it cannot wait for itself.  No-op if `thread` is not
// joinable.
void EndProcessThread(std::thread thread);

// Holds the one T of the process.  The T lives as long as a reference to it
// exists, and Get() makes another one afterwards.  Thread-safe.
//
//   // Never destroyed, because other statics may need it during their own
//   // destruction.
//   static auto& one = *new ProcessWide<T>;
//   return one.Get(&T::Make);
template <typename T>
class ProcessWide {
 public:
  template <typename Make>
  std::shared_ptr<T> Get(Make make) {
    MutexLock lock(&mu_);
    std::shared_ptr<T> instance = instance_.lock();
    if (instance == nullptr) instance_ = instance = make();
    return instance;
  }

 private:
  Mutex mu_;
  std::weak_ptr<T> instance_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_

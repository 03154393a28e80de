// Threads and objects that exist once in a process: StartProcessThread() and
// EndProcessThread() for their threads, ProcessWide for the objects.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_
#define MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

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
    std::lock_guard<std::mutex> lock(mu_);
    std::shared_ptr<T> instance = instance_.lock();
    if (instance == nullptr) instance_ = instance = make();
    return instance;
  }

 private:
  std::mutex mu_;
  std::weak_ptr<T> instance_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_

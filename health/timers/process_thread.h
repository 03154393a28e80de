// What the threads that serve a whole process have in common.
#ifndef MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_
#define MULTI_BACKEND_HEALTH_TIMERS_PROCESS_THREAD_H_

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace multi_backend {

// A thread that takes no signals: those are for the application's own.
// `name`: for debuggers, at most 15 characters.
std::thread StartProcessThread(const char* name, std::function<void()> body);

// Returns when the thread has ended; but one that ends itself goes on alone.
void EndProcessThread(std::thread thread);

// The one T of the process, which lives as long as somebody holds it.
//
//   static auto& one = *new ProcessWide<T>;  // Never destroyed: other statics
//   return one.Get(&T::Make);                // may need it when they are.
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

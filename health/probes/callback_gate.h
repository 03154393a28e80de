// CallbackGate: lets callbacks through until it is closed, and then waits for
// those that are inside.
//
// Shared by the owner, who closes it, and by what calls back, which may outlive
// the owner:
//
//   gate->Run([&] { done(result); });  // On any thread; nothing when closed.
//   gate->Close();                     // In the owner's destructor.
//
// After Close() no function is running on another thread and none will start.
// Close() may be called from inside Run(), and does not wait for that function
// then.  No lock may be held in Close() that such a function takes.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_
#define MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"

namespace multi_backend {

class CallbackGate {
 public:
  CallbackGate() = default;
  CallbackGate(const CallbackGate&) = delete;
  CallbackGate& operator=(const CallbackGate&) = delete;

  void Run(absl::FunctionRef<void()> callback);
  // Idempotent.
  void Close();

 private:
  bool OthersInsideLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  std::mutex mu_;
  std::condition_variable left_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  // The threads in Run(); mostly none or one.
  std::vector<std::thread::id> inside_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_

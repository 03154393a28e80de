// CallbackGate: lets callbacks run until their owner closes the gate, and lets
// the owner wait for the callbacks that are running.
//
// The owner and the source of the callbacks share the gate, because the source
// may outlive the owner:
//
//   gate->Run([&] { done(result); });  // On any thread; no-op when closed.
//   gate->Close();                     // In the owner's destructor.
//
// Guarantees: after Close() has returned, no callback is running on another
// thread and none will start.  A callback may call Close(), which then does not
// wait for that callback.
//
// Threads: any.  The caller of Close() must hold no lock that a callback takes.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_
#define MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class CallbackGate {
 public:
  CallbackGate() = default;
  CallbackGate(const CallbackGate&) = delete;
  CallbackGate& operator=(const CallbackGate&) = delete;

  // Runs `callback`, or does nothing when the gate is closed.
  void Run(absl::FunctionRef<void()> callback) ABSL_LOCKS_EXCLUDED(mu_);
  // Closes the gate and waits for running callbacks.  Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  bool OthersInsideLocked() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  CondVar left_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  // The threads that are in Run(); usually none or one.
  std::vector<std::thread::id> inside_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CALLBACK_GATE_H_

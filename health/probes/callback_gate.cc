#include "multi_backend/health/probes/callback_gate.h"

#include <algorithm>

namespace multi_backend {

void CallbackGate::Run(absl::FunctionRef<void()> callback) {
  const std::thread::id self = std::this_thread::get_id();
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    inside_.push_back(self);
  }
  callback();
  MutexLock lock(&mu_);
  inside_.erase(std::find(inside_.begin(), inside_.end(), self));
  // Notify under the lock: the thread that waits in Close() may destroy the
  // gate as soon as it gets the lock.
  if (closed_) left_.SignalAll();
}

bool CallbackGate::OthersInsideLocked() const {
  return std::any_of(inside_.begin(), inside_.end(), [](std::thread::id id) {
    return id != std::this_thread::get_id();
  });
}

void CallbackGate::Close() {
  MutexLock lock(&mu_);
  closed_ = true;
  while (OthersInsideLocked()) left_.Wait(&mu_);
}

}  // namespace multi_backend

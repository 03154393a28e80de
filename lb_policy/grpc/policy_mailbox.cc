#include "multi_backend/lb_policy/grpc/policy_mailbox.h"

#include <utility>

#include "multi_backend/port/run_later.h"

namespace multi_backend {

void PolicyMailbox::Raise(uint32_t requests) {
  // The thread that finds zero delivers everything that is added until then.
  if (requests_.fetch_or(requests, std::memory_order_acq_rel) != 0) return;
  if (!core::IsInCore() || in_pass_.load()) {
    std::shared_ptr<EventEngine> engine;
    {
      MutexLock lock(&mutex_);
      engine = engine_;
    }
    if (engine == nullptr) return;  // Stopped.
    engine->Run([self = shared_from_this()]() {
      core::CoreScope scope;
      self->Deliver();
    });
    return;
  }
  core::RunLater([self = shared_from_this()]() { self->Deliver(); });
}

void PolicyMailbox::Stop() {
  std::shared_ptr<EventEngine> engine;  // Destroyed without the lock.
  MutexLock lock(&mutex_);
  receiver_ = nullptr;
  engine.swap(engine_);
}

void PolicyMailbox::Deliver() {
  grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> keep_alive;
  Receiver* receiver;
  {
    MutexLock lock(&mutex_);
    if (receiver_ == nullptr) return;
    receiver = receiver_;
    keep_alive = receiver->KeepAlive();
  }
  receiver->Serializer()->Run(
      [self = shared_from_this(), receiver,
       keep_alive = std::move(keep_alive)]() {
        receiver->OnRequestsLocked(
            self->requests_.exchange(0, std::memory_order_acq_rel));
      },
      DEBUG_LOCATION);
}

}  // namespace multi_backend

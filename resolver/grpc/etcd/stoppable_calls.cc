#include "multi_backend/resolver/grpc/etcd/stoppable_calls.h"

#include "multi_backend/port/deadline.h"

namespace multi_backend {

StoppableCalls::~StoppableCalls() {
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void StoppableCalls::Stop() {
  if (stopped_.exchange(true, std::memory_order_acq_rel)) return;
  stop_.Set(&queue_, DeadlineAfter(absl::ZeroDuration()), this);
}

StoppableCalls::Outcome StoppableCalls::Wait(absl::Duration timeout) {
  if (stopped()) return Outcome::kStopped;
  void* tag = nullptr;
  bool ok = false;
  const auto next = queue_.AsyncNext(&tag, &ok, DeadlineAfter(timeout));
  if (next != grpc::CompletionQueue::GOT_EVENT) return Outcome::kTimeout;
  if (tag == this) return Outcome::kStopped;
  return ok ? Outcome::kDone : Outcome::kBroken;
}

bool StoppableCalls::Finish(grpc::ClientContext& context) {
  while (true) {
    if (stopped()) context.TryCancel();
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    if (tag != this) return ok;
  }
}

}  // namespace multi_backend

// StoppableCalls: the calls that one thread makes, one operation at a time, and
// that any other thread can stop.
//
//   stub.Async…(&context, …, calls.queue());   // Its tag is not looked at.
//   switch (calls.Wait(absl::Seconds(2))) { … }
//
// Threads: Stop() and stopped() from any; everything else from the one.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_STOPPABLE_CALLS_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_STOPPABLE_CALLS_H_

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>

#include <atomic>

#include "absl/time/time.h"

namespace multi_backend {

class StoppableCalls {
 public:
  enum class Outcome {
    kDone,     // The operation is complete.
    kBroken,   // The operation failed: its call has ended.
    kTimeout,  // The operation, if there is one, goes on.
    kStopped,  // As kTimeout.
  };

  StoppableCalls() = default;
  // No operation may be under way.
  ~StoppableCalls();
  StoppableCalls(const StoppableCalls&) = delete;
  StoppableCalls& operator=(const StoppableCalls&) = delete;

  // Ends the present Wait() and all later ones.
  void Stop();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  grpc::CompletionQueue* queue() { return &queue_; }

  // Waits for the operation that is under way, or, without one, for the time.
  Outcome Wait(absl::Duration timeout);

  // Waits for it, however long; when stopped, cancels its call first.  True:
  // kDone.
  bool Finish(grpc::ClientContext& context);

 private:
  std::atomic<bool> stopped_{false};
  grpc::CompletionQueue queue_;
  grpc::Alarm stop_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_STOPPABLE_CALLS_H_

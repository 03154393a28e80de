// StoppableCalls: runs the calls of one thread, one operation at a time, so
// that any other thread can stop them.
//
//   stub.Async…(&context, …, calls.queue());   // The tag is ignored.
//   switch (calls.Wait(absl::Seconds(2))) { … }
//
// Threads: Stop() and stopped() may be called from any thread; everything else
// belongs to the one thread.
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
    kTimeout,  // The operation, if any, goes on.
    kStopped,  // Stopped; the operation, if any, goes on.
  };

  StoppableCalls() = default;
  // No operation may be under way.
  ~StoppableCalls();
  StoppableCalls(const StoppableCalls&) = delete;
  StoppableCalls& operator=(const StoppableCalls&) = delete;

  // Ends the present Wait() and every later one.
  void Stop();
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  grpc::CompletionQueue* queue() { return &queue_; }

  // Waits for the operation under way; without one, for `timeout`.
  Outcome Wait(absl::Duration timeout);

  // Waits for the operation without a time limit; when stopped, cancels its
  // call first.  True for kDone.
  bool Finish(grpc::ClientContext& context);

 private:
  std::atomic<bool> stopped_{false};
  grpc::CompletionQueue queue_;
  grpc::Alarm stop_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_STOPPABLE_CALLS_H_

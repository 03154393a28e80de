// PolicyMailbox: brings what the data plane, timers and other threads want of a
// policy into its work serializer; wishes that come together are one.
//
// Threads: Raise() from any, also under core's locks: nothing runs before the
// thread leaves core, and nothing of core's on a thread that is not core's (a
// probe's thread could come to wait for itself).
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class PolicyMailbox : public std::enable_shared_from_this<PolicyMailbox> {
 public:
  // What is wanted; bits.
  static constexpr uint32_t kReplan = 1;  // A backend's health has changed.
  static constexpr uint32_t kRepick = 2;  // A waiting call may go.
  static constexpr uint32_t kGrow = 4;    // A backend's connections are full.
  static constexpr uint32_t kTime = 8;    // The policy's timer has run.
  // A probe has reached a backend that could not be connected.
  static constexpr uint32_t kReachable = 16;

  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void OnSignalLocked(uint32_t wanted) = 0;
    virtual std::shared_ptr<grpc_core::WorkSerializer> Serializer() = 0;
    // A count on the receiver for as long as the result lives.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  explicit PolicyMailbox(Receiver* receiver) : receiver_(receiver) {}

  // Runs what threads want that are not core's.  Before the first Raise().
  void SetEngine(grpc_event_engine::experimental::EventEngine* engine) {
    engine_ = engine;
  }

  void Raise(uint32_t wanted);
  // Whether those who raise in the meantime are in a pass over the waiting
  // calls.  One pass wishes for the next; were they all run by one thread, core
  // would not send before the last of them what the first had let go.
  void SetInPass(bool in_pass) { in_pass_.store(in_pass); }
  // Nothing comes any more.
  void Stop();

 private:
  void Deliver();

  grpc_event_engine::experimental::EventEngine* engine_ = nullptr;
  std::atomic<uint32_t> wanted_{0};
  std::atomic<bool> in_pass_{false};
  absl::Mutex mutex_;
  Receiver* receiver_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_

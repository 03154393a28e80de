// PolicyMailbox: passes requests from the data plane, timers and other threads
// to a policy's work serializer.  Requests that are raised before the delivery
// are delivered together.
//
// Threads: any thread may call Raise(), also under core's locks, because
// Raise() never runs core code inline.  On a thread of core the delivery waits
// until the thread leaves core; on any other thread it goes to the EventEngine.
// If a probe's thread ran core code, it could end up waiting for itself.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "multi_backend/port/core.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class PolicyMailbox : public std::enable_shared_from_this<PolicyMailbox> {
 public:
  using EventEngine = grpc_event_engine::experimental::EventEngine;

  // The requests, which are bits of one word.
  static constexpr uint32_t kReplan = 1;  // A backend's health has changed.
  static constexpr uint32_t kRepick = 2;  // A waiting call may go.
  static constexpr uint32_t kGrow = 4;    // A backend's connections are full.
  static constexpr uint32_t kTime = 8;    // The policy's timer has fired.
  // There is reason to connect again to a backend that has failed.
  static constexpr uint32_t kReconnect = 16;
  static constexpr uint32_t kHotKey = 32;  // PickPlan::has_hot_key().
  static constexpr uint32_t kEvent = 64;   // There are new events to report.

  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void OnRequestsLocked(uint32_t requests) = 0;
    virtual std::shared_ptr<grpc_core::WorkSerializer> Serializer() = 0;
    // Returns a reference that keeps the receiver alive.
    virtual grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
    KeepAlive() = 0;
  };

  explicit PolicyMailbox(Receiver* receiver) : receiver_(receiver) {}

  // Sets the engine that delivers for threads outside core.  Must be called
  // before the first Raise().  The mailbox keeps the engine until Stop(), since
  // a thread that raises may not know yet that the channel is gone.
  void SetEngine(std::shared_ptr<EventEngine> engine) {
    MutexLock lock(&mutex_);
    engine_ = std::move(engine);
  }

  void Raise(uint32_t requests);
  // Says whether core is running a pass, in which all waiting calls pick again.
  // A pass often requests the next one.  If one thread ran all of them, core
  // would send the calls of the first pass only after the last.  So requests
  // raised during a pass are delivered by the EventEngine.
  void SetInPass(bool in_pass) { in_pass_.store(in_pass); }
  // After Stop() nothing is delivered.
  void Stop();

 private:
  void Deliver();

  std::atomic<uint32_t> requests_{0};
  std::atomic<bool> in_pass_{false};
  Mutex mutex_;
  Receiver* receiver_ ABSL_GUARDED_BY(mutex_);  // Null after Stop().
  std::shared_ptr<EventEngine> engine_ ABSL_GUARDED_BY(mutex_);  // The same.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POLICY_MAILBOX_H_

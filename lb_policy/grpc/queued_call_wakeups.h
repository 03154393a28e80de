// QueuedCallWakeups: makes the policy act for the calls of its channel that
// wait: give them a new picker, or set its timer.
//
// Thread-safe.  Picks call OnWaiting(), OnQueued() and OnRepickBy(), any number
// at the same time; the policy calls the rest in its work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"
#include "multi_backend/lb_policy/waiting/waiting_calls.h"

namespace multi_backend {

class QueuedCallWakeups {
 public:
  QueuedCallWakeups(std::shared_ptr<PoolEvents> events,
                    std::shared_ptr<PolicyMailbox> mailbox)
      : events_(std::move(events)),
        mailbox_(std::move(mailbox)),
        calls_(&events_->waiting_channels) {}

  // A call has begun to wait in a backlog, which refuses it at `deadline`.
  void OnWaiting(int64_t deadline) {
    // Capacity that became free before this wait was recorded woke no call, so
    // let the waiting calls pick once more.
    if (!calls_.Add()) mailbox_->Raise(PolicyMailbox::kRepick);
    WakeBy(deadline);
  }
  // A call without a place in a backlog waits in core's queue.
  void OnQueued() { calls_.Add(); }
  // A call waits in core's queue and must pick again by `at`.
  void OnRepickBy(int64_t at) {
    OnQueued();
    calls_.RepickBy(at);
    WakeBy(at);
  }
  int64_t repick_due_at() const { return calls_.repick_due_at(); }
  // Call before a pass.  Calls that must still pick again by some time say so
  // during the pass.
  void ClearRepickDue() { calls_.ClearRepickDue(); }
  // See WaitingCalls::SetWakeAt().
  void SetWakeAt(int64_t at) { calls_.SetWakeAt(at); }
  // Records anew whether calls wait; count() returns how many do.
  template <typename Count>
  size_t Recount(Count count) {
    // The order matters: a call that begins to wait during count() sets the
    // record again.
    calls_.Clear();
    const size_t waiting = count();
    if (waiting > 0) calls_.Add();
    return waiting;
  }
  PolicyMailbox& mailbox() const { return *mailbox_; }

 private:
  void WakeBy(int64_t at) {
    if (calls_.WakeBy(at)) mailbox_->Raise(PolicyMailbox::kTime);
  }

  const std::shared_ptr<PoolEvents> events_;
  const std::shared_ptr<PolicyMailbox> mailbox_;
  WaitingCalls calls_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_

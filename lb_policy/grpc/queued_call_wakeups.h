// QueuedCallWakeups: records whether calls of a channel wait, and until when.
// The code that frees capacity reads it to decide whether to wake waiting
// calls, and the policy reads it to set its timer.
//
// Threads: OnWaiting(), OnQueued() and OnRepickBy() are called under
// the channel's pick lock; Recount(), ClearRepickDue() and SetWakeAt() in
// its work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"

namespace multi_backend {

class QueuedCallWakeups {
 public:
  QueuedCallWakeups(std::shared_ptr<PoolEvents> events,
                    std::shared_ptr<PolicyMailbox> mailbox)
      : events_(std::move(events)), mailbox_(std::move(mailbox)) {}
  ~QueuedCallWakeups() { Set(false); }

  // A call has begun to wait in a backlog, which refuses it at `deadline`.
  void OnWaiting(int64_t deadline) {
    // Capacity that became free before this wait was recorded woke no call, so
    // let the waiting calls pick once more.
    if (!Set(true)) mailbox_->Raise(PolicyMailbox::kRepick);
    WakeBy(deadline);
  }
  // A call without a place in a backlog waits in core's queue.
  void OnQueued() { Set(true); }
  // A call waits in core's queue and must pick again by `at`.
  void OnRepickBy(int64_t at) {
    OnQueued();
    if (at < repick_due_at_.load()) repick_due_at_.store(at);
    WakeBy(at);
  }
  int64_t repick_due_at() const { return repick_due_at_.load(); }
  // Call before a pass.  Calls that must still pick again by some time say so
  // during the pass.
  void ClearRepickDue() { repick_due_at_.store(INT64_MAX); }
  // Records that the policy's timer will fire at `at`.  The policy calls it
  // with INT64_MAX before it reads the deadlines from which it computes `at`,
  // so that it misses no deadline set after that.
  void SetWakeAt(int64_t at) { wake_at_.store(at); }
  // Records anew whether calls wait; count() returns how many do.
  template <typename Count>
  size_t Recount(Count count) {
    // The order matters: a call that begins to wait during count() sets the
    // record again.
    Set(false);
    const size_t waiting = count();
    if (waiting > 0) Set(true);
    return waiting;
  }
  PolicyMailbox& mailbox() const { return *mailbox_; }

 private:
  void WakeBy(int64_t at) {
    if (at >= wake_at_.load()) return;
    wake_at_.store(at);
    mailbox_->Raise(PolicyMailbox::kTime);
  }
  // Returns the value before.
  bool Set(bool waiting) {
    const bool before = waiting_.exchange(waiting);
    if (waiting && !before) events_->waiting_channels.fetch_add(1);
    if (!waiting && before) events_->waiting_channels.fetch_sub(1);
    return before;
  }

  std::atomic<bool> waiting_{false};
  std::atomic<int64_t> wake_at_{INT64_MAX};
  std::atomic<int64_t> repick_due_at_{INT64_MAX};
  const std::shared_ptr<PoolEvents> events_;
  const std::shared_ptr<PolicyMailbox> mailbox_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_

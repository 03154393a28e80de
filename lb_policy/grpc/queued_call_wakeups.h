// QueuedCallWakeups: whether calls of a channel wait in its backlogs, for those
// who free something that a waiting call could use, and for the policy's timer.
//
// Threads: OnWaiting() and OnAwaitingFreshPlan() under the channel's pick lock;
// Recount() and SetWakeAt() in its work serializer.
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

  // A call has begun to wait, and is refused at `deadline`.
  void OnWaiting(int64_t deadline) {
    // What became free before this was known must be looked at once more.
    if (!Set(true)) mailbox_->Raise(PolicyMailbox::kRepick);
    WakeBy(deadline);
  }
  // A call without a place in a backlog waits in core's queue.
  void OnQueued() { Set(true); }
  // One of them is to pick again at `at` at the latest.
  void OnAwaitingFreshPlan(int64_t at) {
    OnQueued();
    if (at < fresh_plan_due_at_.load()) fresh_plan_due_at_.store(at);
    WakeBy(at);
  }
  int64_t fresh_plan_due_at() const { return fresh_plan_due_at_.load(); }
  // To be called before a pass; those who are still to look again say so in it.
  void ClearFreshPlanDue() { fresh_plan_due_at_.store(INT64_MAX); }
  // The policy's timer will run at `at`.  To be called with INT64_MAX before
  // the deadlines are read that go into `at`, so that none is missed.
  void SetWakeAt(int64_t at) { wake_at_.store(at); }
  // `count`: tells how many wait.
  template <typename Count>
  size_t Recount(Count count) {
    // In this order: one that begins to wait meanwhile is noticed.
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
  // Returns what it was.
  bool Set(bool waiting) {
    const bool before = waiting_.exchange(waiting);
    if (waiting && !before) events_->waiting_channels.fetch_add(1);
    if (!waiting && before) events_->waiting_channels.fetch_sub(1);
    return before;
  }

  std::atomic<bool> waiting_{false};
  std::atomic<int64_t> wake_at_{INT64_MAX};
  std::atomic<int64_t> fresh_plan_due_at_{INT64_MAX};
  const std::shared_ptr<PoolEvents> events_;
  const std::shared_ptr<PolicyMailbox> mailbox_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_QUEUED_CALL_WAKEUPS_H_

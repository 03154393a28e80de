// PoolWatch: while it lives, changes in a policy's pool are raised in the
// policy's mailbox, and failed calls take no backend out that the policy's plan
// cannot spare.
//
// Threads: the pool reports changes and asks on any thread, and the mailbox and
// the plan accept that.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"
#include "multi_backend/lb_policy/plan/latest_plan.h"

namespace multi_backend {

class PoolWatch {
 public:
  // `each_event`: whether the policy is to hear of each event, also of those
  // that change no plan.
  PoolWatch(std::shared_ptr<PoolEvents> events,
            const std::shared_ptr<PolicyMailbox>& mailbox,
            std::shared_ptr<const LatestPlan> latest_plan, bool each_event)
      : events_(std::move(events)),
        id_(events_->AddWatch(
            Raise(mailbox, PolicyMailbox::kReplan),
            Raise(mailbox, PolicyMailbox::kRepick),
            Raise(mailbox, PolicyMailbox::kReconnect),
            each_event ? Raise(mailbox, PolicyMailbox::kEvent) : nullptr)),
        guard_(events_->ejection_guards.Add(
            [latest_plan = std::move(latest_plan)](const Backend& backend) {
              return latest_plan->MayEject(backend);
            })) {}
  ~PoolWatch() {
    events_->ejection_guards.Remove(guard_);
    events_->RemoveWatch(id_);
  }
  PoolWatch(const PoolWatch&) = delete;
  PoolWatch& operator=(const PoolWatch&) = delete;

 private:
  static std::function<void()> Raise(std::shared_ptr<PolicyMailbox> mailbox,
                                     uint32_t requests) {
    return [mailbox = std::move(mailbox), requests]() {
      mailbox->Raise(requests);
    };
  }

  const std::shared_ptr<PoolEvents> events_;
  const PoolEvents::WatchId id_;
  const uint64_t guard_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_

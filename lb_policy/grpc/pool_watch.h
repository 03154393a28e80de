// PoolWatch: while it lives, changes in a policy's pool are raised in the
// policy's mailbox.
//
// Threads: the pool reports changes on any thread, and the mailbox accepts them
// there.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "multi_backend/lb_policy/backends/events.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"

namespace multi_backend {

class PoolWatch {
 public:
  PoolWatch(std::shared_ptr<PoolEvents> events,
            const std::shared_ptr<PolicyMailbox>& mailbox)
      : events_(std::move(events)),
        id_(events_->AddWatch(Raise(mailbox, PolicyMailbox::kReplan),
                              Raise(mailbox, PolicyMailbox::kRepick),
                              Raise(mailbox, PolicyMailbox::kProbesPassed))) {}
  ~PoolWatch() { events_->RemoveWatch(id_); }
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
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POOL_WATCH_H_

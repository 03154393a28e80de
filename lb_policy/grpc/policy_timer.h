// PolicyTimer: the only timer of a policy, on core's event engine.
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_POLICY_TIMER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_POLICY_TIMER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/types/optional.h"
#include "multi_backend/lb_policy/grpc/policy_mailbox.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

class PolicyTimer {
 public:
  using Helper = grpc_core::LoadBalancingPolicy::ChannelControlHelper;

  explicit PolicyTimer(std::shared_ptr<PolicyMailbox> mailbox)
      : mailbox_(std::move(mailbox)) {}

  // Raises PolicyMailbox::kTime at `at`, or up to kGranularityNanos later so
  // that work due at nearly the same time is done together.  INT64_MAX stops
  // the timer.  Each call replaces the one before.
  void RunAt(int64_t at, int64_t now, Helper& helper) {
    // A timer for a time that has passed still takes kGranularityNanos, and
    // another call for the same time must not start it anew.
    if (at == at_ && fires_at_ > now) return;
    Cancel(helper);
    at_ = at;
    if (at == INT64_MAX) return;
    const int64_t delay = std::max<int64_t>(at - now, 0) + kGranularityNanos;
    fires_at_ = now + delay;
    handle_ = helper.GetEventEngine()->RunAfter(
        std::chrono::nanoseconds(delay),
        [mailbox = mailbox_]() { mailbox->Raise(PolicyMailbox::kTime); });
  }
  void Cancel(Helper& helper) {
    if (handle_.has_value()) helper.GetEventEngine()->Cancel(*handle_);
    handle_.reset();
    at_ = INT64_MAX;
    fires_at_ = INT64_MAX;
  }

 private:
  static constexpr int64_t kGranularityNanos = 5'000'000;

  const std::shared_ptr<PolicyMailbox> mailbox_;
  int64_t at_ = INT64_MAX;
  int64_t fires_at_ = INT64_MAX;
  absl::optional<grpc_event_engine::experimental::EventEngine::TaskHandle>
      handle_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_POLICY_TIMER_H_

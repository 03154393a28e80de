// Picker: gRPC's picker over one PickPlan: translates calls to requests and
// outcomes to results, and holds the subchannels that the plan's entries mean.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/grpc/channel_state.h"
#include "multi_backend/lb_policy/pick_plan.h"
#include "multi_backend/port/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class Picker final : public grpc_core::LoadBalancingPolicy::SubchannelPicker {
 public:
  using SubchannelRef =
      grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;
  using PickArgs = grpc_core::LoadBalancingPolicy::PickArgs;
  using PickResult = grpc_core::LoadBalancingPolicy::PickResult;

  // What an entry of the plan means to core.
  struct Target {
    SubchannelRef subchannel;    // Null when not READY.
    Backend* backend = nullptr;  // Owned by the plan.
  };
  struct Args {
    std::shared_ptr<const PickPlan> plan;
    std::shared_ptr<ChannelState> state;
    // How many of the pool's backends are marked unusable.
    std::shared_ptr<const std::atomic<uint32_t>> marked;
    std::vector<Target> targets;  // By plan entry.
    // Whether the channel's calls have a CallContext.
    bool has_context = false;
    // Off only to measure what the tracking costs.
    bool track_attempts = true;
  };
  explicit Picker(Args args);

  PickResult Pick(PickArgs args) override;

 private:
  PickResult PickInFull(const PickArgs& args);
  PickResult PickWithContext(CallContext* context, const PickArgs& args);
  PickResult PickWithoutContext(const PickArgs& args);
  PickPlan::Result PickAgain(const CallContext& context, PickRequest request);
  PickResult Complete(uint32_t entry, const BalancerNode& leaf,
                      CallContext* context, const PickArgs& args);
  PickResult CompleteTracked(uint32_t entry, const PickArgs& args);
  // A rotation knows whom it comes to next: hides the wait for the reference
  // counts of thousands of subchannels.
  void PrefetchAfter(uint32_t entry) const {
    constexpr size_t kAhead = 16;
    const size_t ahead = entry + kAhead;
    if (ahead >= args_.targets.size()) return;
    __builtin_prefetch(args_.targets[ahead].subchannel.get(), /*rw=*/1);
  }
  bool Tracks(const PickArgs& args) const {
    return args_.track_attempts && args.call_state != nullptr;
  }
  PickResult Unserved(const PickPlan::Result& result, const CallLabel& label,
                      CallContext* context);
  bool NoneMarked() const {
    return marked_->load(std::memory_order_acquire) == 0;
  }

  const Args args_;
  const std::atomic<uint32_t>* const marked_;
  const BalancerNode* const root_;
  const bool needs_latency_;
  const grpc_core::UniqueTypeName context_type_ = CallContext::Type();
  // Whether calls without a context may carry a label; see PickWithoutContext.
  const bool check_labels_;
  // Set when calls have neither context nor label and the default balancer is a
  // rotation.
  Strategy* const rotation_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

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
    SubchannelRef subchannel;
    Backend* backend = nullptr;  // Owned by the plan.
  };
  struct Args {
    std::shared_ptr<const PickPlan> plan;
    std::shared_ptr<ChannelState> state;
    // How many of the pool's backends are marked unusable.
    std::shared_ptr<const std::atomic<uint32_t>> marked;
    // By plan entry; null subchannel for one that is not READY.
    std::vector<Target> targets;
    // Whether the channel's calls have a CallContext.
    bool has_context = false;
    // Off only to measure what the tracking costs.
    bool track_attempts = true;
  };
  explicit Picker(Args args)
      : args_(std::move(args)), marked_(args_.marked.get()) {}

  PickResult Pick(PickArgs args) override;

 private:
  PickResult PickWithoutContext(const PickArgs& args);
  PickPlan::Result PickAgain(const CallContext& context, PickRequest request);
  PickResult Complete(const PickPlan::Result& picked, CallContext* context,
                      const PickArgs& args);
  PickResult Unserved(const PickPlan::Result& result, const CallLabel& label,
                      CallContext* context);
  bool NoneMarked() const {
    return marked_->load(std::memory_order_acquire) == 0;
  }

  const Args args_;
  const std::atomic<uint32_t>* const marked_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

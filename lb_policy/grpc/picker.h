// Picker: gRPC's picker over one PickPlan: translates calls to requests and
// outcomes to results, and holds the subchannels that the plan's entries mean.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

#include <memory>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/grpc/call_record.h"
#include "multi_backend/lb_policy/grpc/channel_state.h"
#include "multi_backend/lb_policy/pick_plan.h"
#include "multi_backend/port/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class Picker final : public grpc_core::LoadBalancingPolicy::SubchannelPicker {
 public:
  using SubchannelRef = grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;
  using PickArgs = grpc_core::LoadBalancingPolicy::PickArgs;
  using PickResult = grpc_core::LoadBalancingPolicy::PickResult;

  // `subchannels`: by plan entry; null for one that is not READY.
  // `track_attempts`: off only to measure what the tracking costs.
  Picker(std::shared_ptr<const PickPlan> plan,
         std::shared_ptr<ChannelState> state,
         std::vector<SubchannelRef> subchannels, bool track_attempts)
      : plan_(std::move(plan)),
        state_(std::move(state)),
        subchannels_(std::move(subchannels)),
        track_attempts_(track_attempts) {}

  PickResult Pick(PickArgs args) override;

 private:
  PickResult PickWithoutContext(const PickArgs& args);
  CallRecord* RecordOf(CallContext* context);
  PickPlan::Result PickAgain(const CallLabel& label, CallRecord* record,
                             PickRequest request);
  PickResult Complete(const PickPlan::Result& picked, CallRecord* record,
                      const PickArgs& args);
  PickResult Unserved(const PickPlan::Result& result, const CallLabel& label,
                      CallRecord* record);

  const std::shared_ptr<const PickPlan> plan_;
  const std::shared_ptr<ChannelState> state_;
  const std::vector<SubchannelRef> subchannels_;
  const bool track_attempts_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

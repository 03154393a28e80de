// Picker: gRPC's picker over one PickPlan: translates calls to requests and
// outcomes to results, and holds the subchannels that the plan's entries mean.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/connections/load.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/grpc/call_attempts.h"
#include "multi_backend/lb_policy/grpc/channel_state.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class Picker final : public grpc_core::LoadBalancingPolicy::SubchannelPicker {
 public:
  using SubchannelRef =
      grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;
  using PickArgs = grpc_core::LoadBalancingPolicy::PickArgs;
  using PickResult = grpc_core::LoadBalancingPolicy::PickResult;

  // Several connections of one backend.
  struct Connections {
    struct One {
      SubchannelRef subchannel;
      ConnectionLoad* load = nullptr;  // One count is held.
    };
    std::vector<One> ready;
    // All have so many streams: another connection is wished for.
    int full_at = 0;

    Connections() = default;
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;
    ~Connections() {
      for (const One& one : ready) one.load->Unref();
    }
  };
  // What pickers of one plan have in common.
  struct Args {
    std::shared_ptr<const PickPlan> plan;
    std::shared_ptr<ChannelState> state;
    // How many words of flags of the pool's backends are set.
    std::shared_ptr<const std::atomic<uint32_t>> flagged;
    // What entries of the plan mean to core, by entry; null when not READY.
    // Each list by itself: with thousands of backends few of them stay in a
    // cache, and a pick waits for this one.
    std::vector<SubchannelRef> subchannels;
    std::vector<Backend*> backends;  // By entry; owned by the plan.
    // By entry, null when not READY; empty when a backend can have one
    // connection only.
    std::vector<std::unique_ptr<const Connections>> connections;
    // Finds the calls' contexts; null when the channel's calls have none.
    grpc_core::RefCountedPtr<RetryGate> gate;
  };
  explicit Picker(std::shared_ptr<const Args> args);

  PickResult Pick(PickArgs args) override;

 private:
  PickResult PickInFull(const PickArgs& args);
  PickResult PickWithContext(CallAttempts* call, const PickArgs& args);
  PickResult PickWithoutContext(const PickArgs& args);
  PickPlan::Result PickAgain(const CallAttempts& call, PickRequest request);
  PickResult PickInTurn(CallAttempts* call, const PickRequest& request,
                        const PickArgs& args);
  PickResult Complete(uint32_t entry, const BalancerNode& leaf,
                      CallAttempts* call, const PickArgs& args,
                      uint16_t trial = 0);
  PickResult CompleteRare(PickPlan::Result result, const PickRequest& request,
                          CallAttempts* call, const PickArgs& args);
  PickResult CompleteGated(PickPlan::Result result, PickRequest request,
                           CallAttempts* call, const PickArgs& args);
  const Connections::One* LeastLoaded(const Connections& connections) const;
  PickResult CompleteTracked(uint32_t entry, const PickArgs& args);
  // What a pick writes of a subchannel: the count, behind two pointers, and so
  // for one object in four not on the cache line that it begins on.
  ABSL_ATTRIBUTE_ALWAYS_INLINE static void PrefetchCount(
      const grpc_core::SubchannelInterface* subchannel) {
    __builtin_prefetch(
        reinterpret_cast<const char*>(subchannel) + 2 * sizeof(void*),
        /*rw=*/1);
  }
  // Fetches what picks soon to come need: with thousands of backends it is far
  // away.  Always inline, or GCC takes a function that only prefetches for one
  // without effect, and drops the call.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void PrefetchUpcoming(
      const BalancerNode& leaf) const {
    const Strategy::Upcoming* upcoming = leaf.upcoming();
    if (upcoming == nullptr) return;
    for (uint32_t member : upcoming->far) {
      __builtin_prefetch(&subchannels_[leaf.entry_of(member)]);
    }
    for (uint32_t member : upcoming->near) {
      PrefetchCount(subchannels_[leaf.entry_of(member)].get());
    }
  }
  // Core's ping of a channel picks without a call.
  static bool Tracks(const PickArgs& args) {
    return args.call_state != nullptr;
  }
  void AwaitRoom(const CallLabel& label, const PickRequest& request);
  PickResult Unserved(const PickPlan::Result& result, const CallLabel& label,
                      const PickRequest& request, CallAttempts* call);
  bool NoneMarked() const {
    return marked_->load(std::memory_order_acquire) == 0;
  }

  const std::shared_ptr<const Args> shared_;
  const Args& args_;
  // What each pick reads, side by side.
  const std::atomic<uint32_t>* const marked_;
  const SubchannelRef* const subchannels_;
  Backend* const* const backends_;
  const BalancerNode* const root_;
  // Set when calls have neither context nor label and the default balancer is a
  // rotation.
  Strategy* const rotation_;
  const RetryGate* const gate_;
  const bool has_backlogs_;
  const bool has_connections_;
  const bool needs_latency_;
  // Whether calls without a context may carry a label; see PickWithoutContext.
  const bool check_labels_;
  FastRandom random_;  // For slow start.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

// Picker: adapts one PickPlan to gRPC.  It translates calls to pick requests
// and outcomes to pick results, and it holds the subchannel of each plan entry.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/connections/load.h"
#include "multi_backend/lb_policy/grpc/call_attempts.h"
#include "multi_backend/lb_policy/grpc/retry_policy.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

class Picker final : public grpc_core::LoadBalancingPolicy::SubchannelPicker {
 public:
  using SubchannelRef =
      grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;
  using PickArgs = grpc_core::LoadBalancingPolicy::PickArgs;
  using PickResult = grpc_core::LoadBalancingPolicy::PickResult;

  // The READY connections of one backend.
  struct Connections {
    struct One {
      SubchannelRef subchannel;
      ConnectionLoadRef load;
    };
    std::vector<One> ready;
    int max_streams = 0;  // A connection with this many streams is full.
    // When all are full, the picker asks for another one.
    bool may_open_another = false;
    // When all are full, calls wait for another one.
    bool expects_another = false;
  };
  // Where the calls to one of the plan's entries go.  The picker reads all that
  // it needs of an entry here: in a long list each further object is a cache
  // miss of every pick.
  struct Destination {
    Backend* backend = nullptr;  // The plan keeps it alive.
    SubchannelRef subchannel;    // Null when not READY.
    ConnectionLoadRef load;      // That of `subchannel`.
    // Null when not READY, and if a backend can have only one connection.
    std::unique_ptr<const Connections> connections;
  };
  // The data that all pickers over one plan share.
  struct Args {
    std::shared_ptr<const PickPlan> plan;
    std::shared_ptr<RetryPolicy> retry_policy;
    // Finds the calls' contexts; null when the channel's calls have none.
    grpc_core::RefCountedPtr<ChannelRetryState> retry_state;
    std::vector<Destination> destinations;  // By the plan's entries.
    // What the records of calls say of the backends, by the plan's entries;
    // empty if the channel has no sinks.
    std::vector<std::shared_ptr<const BackendLabels>> labels;
  };
  explicit Picker(std::shared_ptr<const Args> args) : args_(std::move(args)) {}

  PickResult Pick(PickArgs args) override;

 private:
  struct ConnectionWait {
    // Whether the call may wait when all connections of its backend are full.
    bool allowed = false;
    // They are, and it waits for another one until then; 0 = it does not.
    int64_t until = 0;
  };

  PickResult PickWithContext(CallAttempts& call, const PickArgs& args);
  PickResult PickWithoutContext(const PickArgs& args);
  // Core's ping of the channel: it has neither a call nor metadata.
  PickResult PickForPing();

  PickPlan::TurnResult ChooseBackend(CallAttempts& call,
                                     const PickRequest& request) const;
  PickResult EndWithLastAnswer(CallAttempts& call) const;
  PickResult EndAfterTimeout(CallAttempts& call) const;
  // Picks for a call that has tried every backend with room.  `otherwise` is
  // for one that may not go to any of them again.
  PickPlan::Result RetryTried(const CallAttempts& call, PickRequest request,
                              const PickPlan::Result& otherwise) const;
  ConnectionWait ConnectionWaitOf(const PickPlan::Result& picked,
                                  CallAttempts& call) const;
  PickResult AwaitConnection(const Connections& connections, CallAttempts& call,
                             int64_t until) const;
  absl::optional<size_t> TryBegin(const PickPlan::Result& picked,
                                  bool may_wait) const;
  PickResult Send(const PickPlan::Result& picked, size_t connection,
                  CallAttempts* call, const PickArgs& args,
                  const PickRequest& request) const;
  // The record of the attempt that `picked` leads to; the call has a record.
  AttemptRecord* Record(const PickPlan::Result& picked, CallAttempts& call,
                        const PickRequest& request, size_t connection) const;
  // Tells the record, if the call has one, that the pick did not send the call.
  void RecordQueued(const CallAttempts& call, CallRecord::Place place) const;
  void RecordFailed(const CallAttempts& call, bool dropped) const;
  PickResult Unserved(PickPlan::Outcome outcome, const CallLabel& label,
                      const PickRequest& request) const;

  const std::shared_ptr<const Args> args_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_PICKER_H_

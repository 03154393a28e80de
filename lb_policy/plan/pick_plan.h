// PickPlan: everything that picks of one channel need, as one snapshot: the
// default balancer, a balancer per role, and the words for when none can serve.
//
// A control-plane change builds another plan from this one (which hands its
// strategies' positions on) and swaps it in.
//
// Threads: Pick() calls are serialised by the caller; everything else is const
// and may run at the same time.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/plan/balancer_node.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/waiting/backlog.h"
#include "multi_backend/lb_policy/waiting/backlog_set.h"
#include "multi_backend/lb_policy/waiting/place.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class PickPlan {
 public:
  struct Args {
    std::shared_ptr<const PolicyConfig> config;
    std::vector<PlanEntry> entries;
    const PickPlan* previous = nullptr;
    const Clock* clock = nullptr;
    uint64_t seed = 0;
    // Null when calls cannot wait in order: no backlog is used then.
    std::shared_ptr<BacklogSet> backlogs;
  };
  static std::unique_ptr<PickPlan> Make(Args args);

  enum class Outcome {
    kPicked,
    kWait,  // Somebody is still being connected: pick again with the next plan.
    kExhausted,  // Every usable backend has been tried by this call.
    kNoBackend,  // None is usable; DescribeFailure() says why.
    kInBacklog,  // The call waits in a backlog: pick again with the next
                 // picker.
    kRefused,    // By a backlog.
  };
  struct Result {
    Outcome outcome = Outcome::kNoBackend;
    uint32_t entry = 0;                  // With kPicked: index into entries().
    const BalancerNode* leaf = nullptr;  // With kPicked.
  };

  // Chooses a backend for a call that is routed as `label` says.
  Result Pick(const CallLabel& label, const PickRequest& request) const;

  // Whether PickInTurn() is to be used instead.
  bool has_backlogs() const { return has_backlogs_; }

  // The same where calls wait in backlogs: the call whose place is `place` goes
  // when it is its turn.
  struct TurnResult {
    Result pick;
    absl::Status refusal;  // With kRefused: why.
    // Another waiting call may go now: a pass is to be published.
    bool repick = false;
  };
  TurnResult PickInTurn(const CallLabel& label, const PickRequest& request,
                        WaitingPlace& place) const;

  // To be called before each new picker over the plan: sets who of those in its
  // backlogs may go in the pass that follows.  Returns how many wait.
  size_t BeginPass() const;

  // Whether Pick() would find one now.  Thread-safe.
  bool HasBackend(const CallLabel& label, const PickRequest& request) const;
  // The same, or wait for one.
  bool CanServe(const CallLabel& label, const PickRequest& request) const;
  // Whether it has a backlog that takes it when none is usable.
  bool MayWait(const CallLabel& label) const;

  // Why no backend can serve, naming at most five with their last errors, and
  // that the call was not sent.
  std::string DescribeFailure(const CallLabel& label) const;

  // The nodes that have a backlog of their own; the leaves; the paths of the
  // nodes in panic.
  std::vector<const BalancerNode*> WaitingRooms() const;
  // Whether calls that wait in `room` could be served, and whether they may
  // soon be, by a backend that is being connected.
  bool ServesRoom(const BalancerNode& room) const;
  bool ConnectsForRoom(const BalancerNode& room) const;
  std::vector<const BalancerNode*> Leaves() const;
  std::vector<std::string> Panicking() const;

  // The balancer of calls without a role.
  const BalancerNode& root() const { return *root_; }
  const std::vector<PlanEntry>& entries() const { return entries_; }
  bool needs_latency() const { return needs_latency_; }
  // Of all backends.
  bool any_ready() const { return any_ready_; }
  bool any_connecting() const { return root_->connecting(); }

 private:
  PickPlan() = default;
  // Null for a role that nobody has or configures.
  const BalancerNode* NodeOf(absl::string_view role) const;
  // The node to use when the label's own cannot serve; null for none.
  const BalancerNode* FallbackOf(const CallLabel& label) const;
  Backlog* BacklogOf(const CallLabel& label) const;
  bool AnyUsable(const CallLabel& label) const;
  // Whether one that this call has not tried is well, but at its limit.
  bool HasUntriedAtLimit(const CallLabel& label,
                         const PickRequest& request) const;
  // Whether only the fallback can take the call, which waits for nobody.
  bool OnlyFallbackIsUsable(const CallLabel& label,
                            const Backlog* backlog) const;
  Result TryInTurn(const CallLabel& label, const PickRequest& request,
                   const WaitingPlace& place) const;
  TurnResult Refuse(const CallLabel& label, Backlog::Turn turn,
                    WaitingPlace& place) const;
  std::string DescribeBackends(const CallLabel& label) const;
  template <typename Visit>
  void ForEachTop(Visit visit) const;

  std::vector<PlanEntry> entries_;
  std::unique_ptr<BalancerNode> root_;
  absl::flat_hash_map<std::string, std::unique_ptr<BalancerNode>> roles_;
  const Clock* clock_ = nullptr;
  size_t exact_order_ = Backlog::kExact;  // See Backlog::BeginPass().
  std::shared_ptr<BacklogSet> backlogs_;  // What the nodes' backlogs live in.
  bool has_backlogs_ = false;
  bool needs_latency_ = false;
  bool any_ready_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_

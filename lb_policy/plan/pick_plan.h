// PickPlan: one snapshot of everything that the picks of one channel need: the
// default balancer, a balancer for each role, and the error texts for when no
// backend can serve.
//
// Each change by the control plane builds a new plan, which takes over the
// positions of the strategies from the previous one, and swaps the new plan in.
//
// Thread-safe.  Picks of one plan, and of a plan and the one that replaces it,
// may run at the same time, as they do when core has many threads or still
// picks with an old picker.  What a pick changes is
//  * atomic: the loads of backends and balancers, and the caches of strategies;
//  * or under the plan's pick lock: the positions of its strategies;
//  * or under the lock of an object that several plans share: backlogs, votes
//    on keys, the health of a backend.
// A plan's picks take turns at the pick lock, which a pick holds from its first
// choice to its last.  So no pick sees the half-made choice of another one, and
// a strategy may remember between the choices of one pick.  Nothing of core,
// and no plan, is released under the lock.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/balancer_node.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/waiting/backlog.h"
#include "multi_backend/lb_policy/waiting/backlog_set.h"
#include "multi_backend/lb_policy/waiting/ticket.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class PickPlan {
 public:
  struct Args {
    std::shared_ptr<const PolicyConfig> config;
    std::vector<PlanEntry> entries;
    const PickPlan* previous = nullptr;
    const Clock* clock = nullptr;
    uint64_t seed = 0;
    // The backlogs of the channel.  Null when calls cannot wait in order; then
    // no backlog is used.
    std::shared_ptr<BacklogSet> backlogs;
  };
  static std::unique_ptr<PickPlan> Make(Args args);

  enum class Outcome {
    kPicked,
    kWait,       // A backend is connecting: pick again with the next plan.
    kExhausted,  // The call has tried every usable backend.
    // Only from PickInTurn(): the call has tried those with room, and an
    // untried one is at its limit or still being connected.  Pick again with
    // the next plan, or when that one has room.
    kWaitForUntried,
    kNoBackend,  // None is usable; see DescribeFailure().
    kInBacklog,  // The call waits in a backlog: pick again with the next
                 // picker.
    kRefused,    // By a backlog; `refusal` says why.
  };
  struct Result {
    Outcome outcome = Outcome::kNoBackend;
    uint32_t entry = 0;                  // With kPicked: index into entries().
    const BalancerNode* leaf = nullptr;  // With kPicked.
    const LoadStats* load = nullptr;     // With kPicked: the backend's.
    // Not 0: the call is the trial of its backend, and must end in
    // BackendHealth::OnCallEnded().
    uint16_t trial = 0;
  };

  // Chooses a backend for a call that is routed as `label` says.
  //
  // A backend that comes back does not admit every call: its trial is one call,
  // and in slow start it takes a share of its calls.  The pick passes over the
  // backends that do not admit this call.  When none admits it, the pick takes
  // the first one that its slow start alone kept from admitting it.
  Result Pick(const CallLabel& label, const PickRequest& request) const
      ABSL_LOCKS_EXCLUDED(pick_mutex_);
  // Chooses a backend for core's ping.  A ping is no call, so it is never a
  // trial and needs no admission.
  Result PickForPing() const ABSL_LOCKS_EXCLUDED(pick_mutex_) {
    MutexLock lock(&pick_mutex_);
    return Choose(CallLabel(), PickRequest());
  }

  // Whether PickInTurn() must be used instead of Pick().
  bool has_backlogs() const { return has_backlogs_; }

  // As Pick(), where calls wait in backlogs: the call of `ticket` goes when it
  // is its turn, in whatever order and from whatever threads the calls pick.  A
  // call that is picked keeps its turn until BacklogTicket::Leave(), so none
  // goes before it has left.
  struct TurnResult {
    Result pick;
    absl::Status refusal;  // With kRefused: the reason.
    // Another waiting call may go now; the caller publishes a pass.
    bool repick = false;
  };
  TurnResult PickInTurn(const CallLabel& label, const PickRequest& request,
                        BacklogTicket& ticket) const;

  // The nodes that have a backlog of their own.
  std::vector<const BalancerNode*> NodesWithBacklog() const;
  // A backlog's change of state, and the balancer that has the backlog.
  struct BacklogChange {
    const BalancerNode* node;
    Backlog::StateChange change;
  };
  // Call once for each new plan.  Tells the backlogs which of their backends
  // are usable.
  std::vector<BacklogChange> UpdateBacklogs(int64_t now) const;
  // Call at NextBacklogDeadline().  The caller then publishes a pass, in which
  // expired calls are refused.
  std::vector<BacklogChange> OnTime(int64_t now) const;
  // INT64_MAX = none.
  int64_t NextBacklogDeadline() const;
  // Call before each new picker over this plan.  Sets which of the calls in its
  // backlogs may go in the pass that follows.  Returns the number of waiting
  // calls.
  size_t BeginPass() const;

  // Whether TakeHotKeys() has something.  Call after picks: it costs one load.
  bool has_hot_key() const {
    return hot_key_news_->load(std::memory_order_acquire);
  }
  // The balancers where one sticky key has most of the calls.  Returns each
  // once, also over later plans.
  std::vector<BalancerNode::HotKey> TakeHotKeys() const;

  // Whether Pick() would find a backend now.
  bool HasBackend(const CallLabel& label, const PickRequest& request) const;
  // Whether Pick() would find a backend now, or the call could wait for one.
  bool CanServe(const CallLabel& label, const PickRequest& request) const;
  // Whether the call has a backlog that is not DOWN.  The backlog may be full.
  bool HasOpenBacklog(const CallLabel& label) const;

  // The error text that says why no backend can serve and that the call was not
  // sent.  It names at most five backends with their last errors.
  std::string DescribeFailure(const CallLabel& label) const;

  // Whether failed calls may take `backend` out: each balancer over backends
  // that lists it has fewer out than maxEjectedPercent allows.
  // Takes no lock.
  bool MayEject(const Backend& backend) const;
  // Brings backends back that failed calls have taken out, the first of the
  // list first, where a balancer has more out than maxEjectedPercent allows.
  // It may when its list has become shorter.
  void ReturnExcessEjected() const;

  std::vector<const BalancerNode*> Leaves() const;
  std::vector<std::string> Panicking() const;

  // Calls `visit` with each balancer, the one for calls without a role first.
  template <typename Visit>
  void ForEachNode(Visit visit) const {
    ForEachTop([&visit](const BalancerNode& top) { top.ForEachNode(visit); });
  }

  // The balancer for calls without a role.
  const BalancerNode& root() const { return *root_; }
  const std::vector<PlanEntry>& entries() const { return entries_; }
  bool needs_latency() const { return needs_latency_; }
  // Over all backends of the plan.
  bool any_ready() const { return any_ready_; }
  bool any_connecting() const { return root_->connecting(); }

 private:
  PickPlan() = default;
  // Null for a role that no backend has and no configuration names.
  const BalancerNode* NodeOf(absl::string_view role) const;
  // The node to use when the node of the label's role cannot serve; null for
  // none.
  const BalancerNode* FallbackOf(const CallLabel& label) const;
  // Whether a backend can serve the calls that wait in the backlog of `node`,
  // and whether one that is still connecting may soon do so.
  bool CanServeBacklog(const BalancerNode& node) const;
  bool MayConnectForBacklog(const BalancerNode& node) const;
  Backlog* BacklogOf(const CallLabel& label) const;
  // Pick() without regard to admission.
  Result Choose(const CallLabel& label, const PickRequest& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pick_mutex_);
  enum class Admission { kAdmitted, kRamping, kOnTrial };
  // Whether the backend of `result` admits the call; sets the trial.
  Admission Admit(Result& result) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pick_mutex_);
  // Replaces `result`, whose backend does not admit the call, by a choice that
  // does.  If there is none, the first choice that only its slow start kept
  // from admitting the call stays.
  void PassOver(const CallLabel& label, const PickRequest& request,
                Admission admission, Result& result) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pick_mutex_);
  bool AnyUsable(const CallLabel& label) const;
  // Whether a backend that this call has not tried is healthy but at its limit.
  bool HasUntriedAtLimit(const CallLabel& label,
                         const PickRequest& request) const;
  // Whether only the fallback can take the call, which then goes without
  // waiting.
  bool OnlyFallbackIsUsable(const CallLabel& label,
                            const Backlog* backlog) const;
  Result TryInTurn(const CallLabel& label, const PickRequest& request,
                   const BacklogTicket& ticket) const;
  TurnResult Refuse(const CallLabel& label, Backlog::Turn turn,
                    BacklogTicket& ticket) const;
  std::string DescribeBackends(const CallLabel& label) const;
  template <typename Visit>
  void ForEachTop(Visit visit) const {
    visit(*root_);
    for (const auto& role : roles_) visit(*role.second);
  }

  std::vector<PlanEntry> entries_;
  std::unique_ptr<BalancerNode> root_;
  // The few roles of a channel are found sooner than one name is hashed.
  std::map<std::string, std::unique_ptr<BalancerNode>, std::less<>> roles_;
  const Clock* clock_ = nullptr;
  // Also guards the positions of the strategies.  It comes before the locks of
  // backends and of key votes.
  mutable Mutex pick_mutex_;
  mutable FastRandom random_ ABSL_GUARDED_BY(pick_mutex_){0};  // Slow start.
  size_t exact_order_ = Backlog::kExact;  // See Backlog::BeginPass().
  std::shared_ptr<BacklogSet> backlogs_;  // Owns the nodes' backlogs.
  std::shared_ptr<std::atomic<bool>> hot_key_news_;
  bool has_backlogs_ = false;
  bool needs_latency_ = false;
  bool any_ready_ = false;
  int max_ejected_percent_ = 100;  // Without passive health, no bound.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_PICK_PLAN_H_

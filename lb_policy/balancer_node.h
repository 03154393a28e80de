// BalancerNode: one node of the balancer tree inside a pick plan: a strategy
// over backends (leaf), or over other nodes ("each balancer acts like a backend
// itself").
//
// Immutable but for its strategy's position; see strategy.h for the threads.
// Memory: about 100 bytes per backend and leaf that holds it.
#ifndef MULTI_BACKEND_LB_POLICY_BALANCER_NODE_H_
#define MULTI_BACKEND_LB_POLICY_BALANCER_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/lb_policy/plan_entry.h"
#include "multi_backend/lb_policy/strategy.h"
#include "multi_backend/proto/config.h"

namespace multi_backend {

// The loads of the inner nodes above a leaf, leaf's own first; a call counts in
// each of them.
using LoadPath = std::vector<std::shared_ptr<LoadStats>>;

class BalancerNode final : public BalancerMember {
 public:
  struct Args {
    const BalancerConfig* config = nullptr;
    const std::vector<PlanEntry>* entries = nullptr;
    std::vector<uint32_t> candidates;  // Indices into entries.
    const BalancerNode* previous = nullptr;
    const LoadPath* parent_path = nullptr;  // Null at the top.
    const Clock* clock = nullptr;
    uint64_t seed = 0;
  };
  // Never null.  Nothing of `args` need live on, except the clock and what the
  // entries own.
  static std::unique_ptr<BalancerNode> Make(Args args);

  struct Choice {
    static constexpr uint32_t kNone = UINT32_MAX;
    uint32_t entry = kNone;  // Index into entries.
    const BalancerNode* leaf = nullptr;
    bool ok() const { return entry != kNone; }
  };
  Choice Pick(const PickRequest& request) const {
    if (ABSL_PREDICT_FALSE(!children_.empty())) return PickBelow(request);
    const size_t member = strategy_->Pick(request);
    if (ABSL_PREDICT_FALSE(member == Strategy::kNone)) return Choice();
    return Choice{entry_of(member), this};
  }

  // For a leaf with a plain rotation (see Strategy) whose members are the
  // entries: its strategy; else null.  Pick() is then strategy->Rotate() while
  // all are usable.
  Strategy* rotation() const {
    return children_.empty() && member_entry_.empty() &&
                   strategy_->is_rotation()
               ? strategy_.get()
               : nullptr;
  }
  // Of a leaf; see Strategy.
  const Strategy::Upcoming* upcoming() const { return strategy_->upcoming(); }
  uint32_t entry_of(size_t member) const {
    return member_entry_.empty() ? static_cast<uint32_t>(member)
                                 : member_entry_[member];
  }

  bool HasEligible(const PickRequest& request) const override;

  // Whether a backend below is still being connected.
  bool connecting() const { return !connecting_.empty(); }
  // Whether one of them has not been tried by this call: worth waiting for.
  bool HasConnecting(const PickRequest& request) const;
  // Whether it, or a node below, needs the latency of calls.
  bool needs_latency() const { return needs_latency_; }
  // Null when no inner node is above a backend of this leaf.
  const std::shared_ptr<const LoadPath>& load_path() const {
    return load_path_;
  }
  absl::Duration ewma_decay() const { return ewma_decay_; }

 private:
  BalancerNode() = default;
  Choice PickBelow(const PickRequest& request) const;
  void BuildLeaf(const Args& args);
  void BuildInner(const Args& args);
  void MakeStrategyFor(const Args& args);
  // As a member of a balancer of kind `parent`: of the backends that can be
  // picked.  Under STICKY of all that are listed, because there a weight that
  // follows health would move keys that need not move.
  uint32_t WeightUnder(StrategyKind parent) const;

  std::string name_;
  StrategyKind kind_ = StrategyKind::kRoundRobin;
  absl::Duration ewma_decay_;
  std::vector<uint32_t> connecting_;  // Ids of backends below.
  bool needs_latency_ = false;
  // Of a member: whether a pick in it would have succeeded when it was made;
  // the next plan sees by it when PRIMARY's holdDown begins.
  bool usable_ = false;
  uint64_t listed_weight_ = 0;  // Of all backends below, whatever their state.
  std::vector<Member> members_;
  // Leaf: by member; empty when each member is the entry of the same index.
  std::vector<uint32_t> member_entry_;
  std::vector<std::unique_ptr<BalancerNode>> children_;  // Inner: by member.
  std::shared_ptr<LoadStats> load_;                      // Null at the top.
  std::shared_ptr<const LoadPath> load_path_;
  std::unique_ptr<Strategy> strategy_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BALANCER_NODE_H_

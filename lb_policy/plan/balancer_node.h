// BalancerNode: one node of the balancer tree inside a pick plan: a strategy
// over backends (leaf), or over other nodes ("each balancer acts like a backend
// itself").
//
// Immutable but for its strategy's position; see
// lb_policy/strategies/strategy.h for the threads.  Memory: about 100 bytes per
// backend and leaf that holds it.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/strategies/strategy.h"
#include "multi_backend/lb_policy/waiting/backlog.h"
#include "multi_backend/lb_policy/waiting/backlog_set.h"
#include "multi_backend/proto/config/config.h"

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
    std::string path;  // For texts: "root", "role \"replica\"/eu".
    int panic_percent = 0;
    // Where calls without a backend wait; null when they must not.
    BacklogSet* backlogs = nullptr;
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
  Choice Pick(const PickRequest& request) const;

  bool HasEligible(const PickRequest& request) const override;

  // Whether one is connected and well, be it that it is overloaded or has as
  // many calls as it may.
  bool AnyUsable() const;
  // Whether a backend below is not.
  bool AnyMissing() const;
  // What its backends in panic are picked in spite of; 0 = no panic.
  uint32_t panic_tolerates() const { return panic_tolerates_; }
  // The paths of it and the nodes below that are in panic.
  void AppendPanicking(std::vector<std::string>* paths) const;
  // The backlog of this node, or of the first below that has one; null when
  // none has.
  Backlog* backlog() const { return backlog_; }
  // This node and those below that have a backlog of their own.
  void AppendWaitingRooms(std::vector<const BalancerNode*>* nodes) const;
  const std::string& path() const { return path_; }
  // The leaves below, or itself; each with the entries that are listed in it.
  void AppendLeaves(std::vector<const BalancerNode*>* leaves) const;
  const std::vector<uint32_t>& listed() const { return listed_; }

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
  size_t PickMember(const PickRequest& request) const;
  void BuildLeaf(const Args& args);
  void BuildInner(const Args& args);
  void MakeStrategyFor(const Args& args);
  // As a member of a balancer of kind `parent`: of the backends that can be
  // picked.  Under STICKY of all that are listed, because there a weight that
  // follows health would move keys that need not move.
  uint32_t WeightUnder(StrategyKind parent) const;

  uint32_t panic_tolerates_ = 0;
  std::string name_;
  std::string path_;
  Backlog* backlog_ = nullptr;  // Of the set that the plan holds.
  bool has_own_backlog_ = false;
  StrategyKind kind_ = StrategyKind::kRoundRobin;
  absl::Duration ewma_decay_;
  std::vector<uint32_t> connecting_;  // Ids of backends below.
  bool needs_latency_ = false;
  // Of a member: whether a pick in it would have succeeded when it was made;
  // the next plan sees by it when PRIMARY's holdDown begins.
  bool usable_ = false;
  uint64_t listed_weight_ = 0;  // Of all backends below, whatever their state.
  std::vector<Member> members_;
  std::vector<uint32_t> listed_;        // Leaf: its entries, weight 0 left out.
  std::vector<uint32_t> member_entry_;  // Leaf: by member.
  std::vector<std::unique_ptr<BalancerNode>> children_;  // Inner: by member.
  std::shared_ptr<LoadStats> load_;                      // Null at the top.
  std::shared_ptr<const LoadPath> load_path_;
  std::unique_ptr<Strategy> strategy_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_

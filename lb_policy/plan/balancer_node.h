// BalancerNode: one node of the balancer tree inside a pick plan.  A leaf is a
// strategy over backends; an inner node is a strategy over other nodes ("each
// balancer acts like a backend itself").
//
// Immutable, except for the position of its strategy.  Memory: about 100 bytes
// for each backend in each leaf that holds it.
//
// Threads: the caller serialises Pick() on the nodes of one tree; PickPlan does
// it with its pick lock.  Everything else is const and may run at the same
// time.  A successor may be made of a tree while picks go on
// (lb_policy/strategy.h).
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/plan/entry.h"
#include "multi_backend/lb_policy/plan/key_vote.h"
#include "multi_backend/lb_policy/strategy.h"
#include "multi_backend/lb_policy/waiting/backlog.h"
#include "multi_backend/lb_policy/waiting/backlog_set.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

// The loads of the nodes from a leaf up to, but without, the top node; the
// leaf's own load comes first.  A call counts in each of them.
using LoadPath = std::vector<std::shared_ptr<LoadStats>>;

class BalancerNode final : public BalancerMember {
 public:
  struct Args {
    const BalancerConfig* config = nullptr;
    const std::vector<PlanEntry>* entries = nullptr;
    std::vector<uint32_t> candidates;  // Indices into entries.
    const BalancerNode* previous = nullptr;
    const LoadPath* parent_path = nullptr;  // Null at the top.
    bool parent_follows_key = false;
    std::string path;  // For texts: "root", "role \"replica\"/eu".
    int panic_percent = 0;
    // Holds the backlogs where calls without a backend wait.  Null when calls
    // must not wait.
    BacklogSet* backlogs = nullptr;
    // Set when TakeHotKeys() has something.
    std::shared_ptr<std::atomic<bool>> hot_key_news;
    const Clock* clock = nullptr;
    uint64_t seed = 0;
  };
  // Never null.  `args` need not outlive the call, except for the clock, the
  // backlogs and what the entries own.
  static std::unique_ptr<BalancerNode> Make(Args args);

  // Small enough to be returned in registers.
  struct Choice {
    static constexpr uint32_t kNone = UINT32_MAX;
    const BalancerNode* leaf = nullptr;
    size_t member = Strategy::kNone;  // Of the leaf.
    bool ok() const { return leaf != nullptr; }
    // Index into the plan's entries; kNone unless ok().
    uint32_t entry() const {
      return ok() ? leaf->member_entry_[member] : kNone;
    }
    // Of the backend; requires ok().
    const LoadStats& load() const { return *leaf->members_[member].load; }
  };
  Choice Pick(const PickRequest& request) const;

  bool HasEligible(const PickRequest& request) const override;

  // Whether at least one backend is connected and healthy, even if all healthy
  // ones are overloaded or at their limit.  A backend that a trial may bring
  // back is not healthy yet.
  bool AnyUsable() const;
  // Whether at least one listed backend below is not connected and healthy.
  bool AnyMissing() const;
  // Appends the paths of the nodes in panic among this node and those below.
  void AppendPanicking(std::vector<std::string>* paths) const;
  // A STICKY node more than half of whose calls have the same key, although
  // nothing but the key chooses the member (no loadBound).
  struct HotKey {
    std::string path;
    int percent;  // The key's share of the last KeyVote::kWindow calls.

    // A warning about the channel to `authority`.
    std::string ToString(absl::string_view authority) const;
  };
  // Appends what this node and those below have to say, each once.
  void TakeHotKeys(std::vector<HotKey>* hot_keys) const;
  // The backlog of this node or, if it has none, of the first node below that
  // has one; null when none has.
  Backlog* backlog() const { return backlog_; }
  // Appends this node and the nodes below that have a backlog of their own.
  void AppendNodesWithBacklog(std::vector<const BalancerNode*>* nodes) const;
  const std::string& path() const { return path_; }
  StrategyKind kind() const { return kind_; }
  bool has_own_backlog() const { return has_own_backlog_; }
  // Calls `visit` with this node and then with those below, parents first.
  template <typename Visit>
  void ForEachNode(Visit visit) const {
    visit(*this);
    for (const auto& child : children_) child->ForEachNode(visit);
  }
  // Appends the leaves below, or this node if it is a leaf.
  void AppendLeaves(std::vector<const BalancerNode*>* leaves) const;
  // Only for a leaf: the entries listed in it, without those of weight 0 and
  // those that drain.
  const std::vector<uint32_t>& listed() const { return listed_; }

  // Whether a backend below is still being connected.
  bool connecting() const { return !connecting_.empty(); }
  // Whether a backend below is still being connected and was not tried by this
  // call, so that waiting for it may help.
  bool HasConnecting(const PickRequest& request) const;
  // Whether this leaf ignores the states of its backends, because too few are
  // usable.
  bool in_panic() const { return panic_tolerates_ != 0; }
  // Whether the strategy of this node or of a node above chooses by the key.
  bool follows_key() const { return follows_key_; }
  // Whether this node or a node below needs the latency of calls.
  bool needs_latency() const { return needs_latency_; }
  // Null for the top node.
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
  // The weight of this node as a member of a balancer of kind `parent`: the sum
  // over the backends that can be picked.  Under STICKY it is the sum over all
  // listed backends, because a weight that follows health would move keys that
  // need not move.
  uint32_t WeightUnder(StrategyKind parent) const;

  // The reasons (LoadStats::unusable_reasons) that picks ignore while this node
  // is in panic; 0 = no panic.
  uint32_t panic_tolerates_ = 0;
  std::string name_;
  std::string path_;
  Backlog* backlog_ = nullptr;  // Owned by the set that the plan holds.
  bool has_own_backlog_ = false;
  StrategyKind kind_ = StrategyKind::kRoundRobin;
  absl::Duration ewma_decay_;
  std::vector<uint32_t> connecting_;  // Ids of the backends below.
  bool needs_latency_ = false;
  bool follows_key_ = false;
  // Only in a child: whether a pick in it would have succeeded when it was
  // made.  The next plan compares this to see when PRIMARY's holdDown begins.
  bool usable_ = false;
  uint64_t listed_weight_ = 0;  // Of all listed backends below.
  std::vector<Member> members_;
  std::vector<uint32_t> listed_;        // Leaf: its entries that take calls.
  std::vector<uint32_t> member_entry_;  // Leaf: by member.
  std::vector<std::unique_ptr<BalancerNode>> children_;  // Inner: by member.
  std::shared_ptr<LoadStats> load_;                      // Null at the top.
  std::shared_ptr<const LoadPath> load_path_;
  std::unique_ptr<Strategy> strategy_;
  std::shared_ptr<KeyVote> key_vote_;  // Null unless calls are kept by key.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_BALANCER_NODE_H_

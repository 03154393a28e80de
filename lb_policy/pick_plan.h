// PickPlan: everything that picks of one channel need, as one snapshot: the
// default balancer, a balancer per role, and the words for when none can serve.
//
// A control-plane change builds another plan from this one (which hands its
// strategies' positions on) and swaps it in.
//
// Threads: Pick() calls are serialised by the caller; everything else is const
// and may run at the same time.
#ifndef MULTI_BACKEND_LB_POLICY_PICK_PLAN_H_
#define MULTI_BACKEND_LB_POLICY_PICK_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/balancer_node.h"
#include "multi_backend/lb_policy/plan_entry.h"
#include "multi_backend/proto/call_label.h"
#include "multi_backend/proto/config.h"

namespace multi_backend {

class PickPlan {
 public:
  struct Args {
    std::shared_ptr<const PolicyConfig> config;
    std::vector<PlanEntry> entries;
    const PickPlan* previous = nullptr;
    const Clock* clock = nullptr;
    uint64_t seed = 0;
  };
  static std::unique_ptr<PickPlan> Make(Args args);

  enum class Outcome {
    kPicked,
    kWait,  // Somebody is still being connected: pick again with the next plan.
    kExhausted,  // Every usable backend has been tried by this call.
    kNoBackend,  // None is usable; DescribeFailure() says why.
  };
  struct Result {
    Outcome outcome = Outcome::kNoBackend;
    uint32_t entry = 0;                  // With kPicked: index into entries().
    const BalancerNode* leaf = nullptr;  // With kPicked.
  };

  // Chooses a backend for a call that is routed as `label` says.
  Result Pick(const CallLabel& label, const PickRequest& request) const {
    if (ABSL_PREDICT_TRUE(label.role.empty())) return PickDefault(request);
    return PickRole(label, request);
  }

  // The same for a call without a label.
  Result PickDefault(const PickRequest& request) const {
    const BalancerNode::Choice choice = root_->Pick(request);
    if (ABSL_PREDICT_FALSE(!choice.ok())) return Unserved(CallLabel(), request);
    return {Outcome::kPicked, choice.entry, choice.leaf};
  }

  // Whether Pick() would find one now, or wait for one.  Thread-safe.
  bool CanServe(const CallLabel& label, const PickRequest& request) const;

  // Why no backend can serve, naming at most five with their last errors, and
  // that the call was not sent.
  std::string DescribeFailure(const CallLabel& label) const;

  // The balancer of calls without a role.
  const BalancerNode& root() const { return *root_; }
  const std::vector<PlanEntry>& entries() const { return entries_; }
  bool needs_latency() const { return needs_latency_; }
  // Of all backends.
  bool any_ready() const { return any_ready_; }
  bool any_connecting() const { return root_->connecting(); }

 private:
  PickPlan() = default;
  Result PickRole(const CallLabel& label, const PickRequest& request) const;
  // Null for a role that nobody has or configures.
  const BalancerNode* NodeOf(absl::string_view role) const;
  // The node to use when the label's own cannot serve; null for none.
  const BalancerNode* FallbackOf(const CallLabel& label) const;
  Result Unserved(const CallLabel& label, const PickRequest& request) const;

  std::vector<PlanEntry> entries_;
  std::unique_ptr<BalancerNode> root_;
  absl::flat_hash_map<std::string, std::unique_ptr<BalancerNode>> roles_;
  bool needs_latency_ = false;
  bool any_ready_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PICK_PLAN_H_

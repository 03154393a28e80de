// Explains a pick: how the backend was chosen, and which others were passed
// over.  Only calls whose trail is wanted pay for it.
//
// Pure.  Cost: ExplainPassedOver() is O(backends), and allocates.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_EXPLAIN_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_EXPLAIN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "multi_backend/call/backend_labels.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/pick_request.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

// How the pick of `result`, which is kPicked, came to its backend.
ChosenBy ExplainChoice(const PickPlan& plan, const CallLabel& label,
                       const PickRequest& request,
                       const PickPlan::Result& result);

// What records say of a backend, which discovery describes by `endpoint`.
std::shared_ptr<const BackendLabels> LabelsOf(const Backend& backend,
                                              const Endpoint& endpoint);

// At most this many backends are named, those of other roles last.
constexpr size_t kMaxPassedOver = 16;

// The backends that the call could not go to when it went to `chosen`, an index
// into the plan's entries.  Those that the strategy merely did not choose are
// not among them.  `in_slow_start` has the ids of those that did not admit the
// call because of their slow start.  The views are valid as long as the plan.
std::vector<PassedOver> ExplainPassedOver(
    const PickPlan& plan, const CallLabel& label, const PickRequest& request,
    size_t chosen, absl::Span<const uint32_t> in_slow_start);

// Owns the names in its list, so that it may outlive the plan.
class PassedOverList {
 public:
  explicit PassedOverList(std::vector<PassedOver> list)
      : list_(std::move(list)) {
    names_.reserve(list_.size());
    for (PassedOver& passed : list_) {
      names_.emplace_back(passed.backend);
      passed.backend = names_.back();
    }
  }
  PassedOverList(const PassedOverList&) = delete;
  PassedOverList& operator=(const PassedOverList&) = delete;

  absl::Span<const PassedOver> list() const { return list_; }

 private:
  std::vector<PassedOver> list_;
  std::vector<std::string> names_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_EXPLAIN_H_

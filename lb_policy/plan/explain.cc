#include "multi_backend/lb_policy/plan/explain.h"

#include <atomic>
#include <cstdint>

#include "absl/algorithm/container.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {
namespace {

using Why = PassedOver::Why;

// Whether the route may lead to the entry, by its role or by its fallback.
bool MayServe(const CallLabel& label, const PlanEntry& entry) {
  if (label.role.empty() || entry.endpoint->role == label.role) return true;
  switch (label.when_unavailable) {
    case WhenUnavailable::kFail:
      return false;
    case WhenUnavailable::kAny:
      return true;
    case WhenUnavailable::kRole:
      return entry.endpoint->role == label.fallback_role;
  }
  return false;
}

absl::optional<Why> WhyNot(const PlanEntry& entry, const CallLabel& label,
                           const PickRequest& request,
                           absl::Span<const uint32_t> in_slow_start) {
  const Backend& backend = entry.backend();
  if (request.tried.Contains(backend.id())) return Why::kTried;
  if (!MayServe(label, entry)) return Why::kOtherRole;
  const uint32_t reasons =
      backend.load.unusable_reasons.load(std::memory_order_acquire);
  if (entry.weight() == 0 || (reasons & kDraining) != 0) return Why::kDraining;
  if ((reasons & (kMarkedUnhealthy | kUnhealthy | kOnTrial)) != 0) {
    return Why::kDown;
  }
  if (entry.link != LinkState::kReady) return Why::kNoConnection;
  if ((reasons & kAtLimit) != 0) return Why::kFull;
  if ((reasons & kOverloaded) != 0) return Why::kOverloaded;
  if (absl::c_linear_search(in_slow_start, backend.id())) {
    return Why::kSlowStart;
  }
  return absl::nullopt;
}

}  // namespace

ChosenBy ExplainChoice(const PickPlan& plan, const CallLabel& label,
                       const PickRequest& request,
                       const PickPlan::Result& result) {
  if (result.trial != 0) return ChosenBy::kTrial;
  const PlanEntry& entry = plan.entries()[result.entry];
  if (!label.role.empty() && entry.endpoint->role != label.role) {
    return ChosenBy::kFallback;
  }
  if (result.leaf->in_panic()) return ChosenBy::kPanic;
  return request.has_key && result.leaf->follows_key() ? ChosenBy::kStickyKey
                                                       : ChosenBy::kStrategy;
}

std::shared_ptr<const BackendLabels> LabelsOf(const Backend& backend,
                                              const Endpoint& endpoint) {
  return std::make_shared<const BackendLabels>(
      backend.name(), backend.address(), endpoint.role);
}

std::vector<PassedOver> ExplainPassedOver(
    const PickPlan& plan, const CallLabel& label, const PickRequest& request,
    size_t chosen, absl::Span<const uint32_t> in_slow_start) {
  std::vector<PassedOver> passed_over;
  std::vector<PassedOver> of_other_roles;
  for (size_t i = 0; i < plan.entries().size(); ++i) {
    const PlanEntry& entry = plan.entries()[i];
    if (i == chosen) continue;
    const absl::optional<Why> why =
        WhyNot(entry, label, request, in_slow_start);
    if (!why.has_value()) continue;
    std::vector<PassedOver>& list =
        *why == Why::kOtherRole ? of_other_roles : passed_over;
    if (list.size() < kMaxPassedOver) {
      list.push_back({entry.backend().name(), *why});
    }
    if (passed_over.size() == kMaxPassedOver) break;
  }
  for (const PassedOver& other : of_other_roles) {
    if (passed_over.size() == kMaxPassedOver) break;
    passed_over.push_back(other);
  }
  return passed_over;
}

}  // namespace multi_backend

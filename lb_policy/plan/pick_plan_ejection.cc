// The part of PickPlan that bounds how many backends failed calls take out.
#include <cstddef>
#include <cstdint>

#include "multi_backend/health/state/ejection.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"

namespace multi_backend {
namespace {

bool IsEjected(const Backend& backend) {
  // An ejected backend has a flag, and the flags are what picks read anyway.
  if (backend.load.unusable_reasons.load(std::memory_order_acquire) == 0 &&
      backend.load.admission.load(std::memory_order_acquire) == 0) {
    return false;
  }
  return backend.health.IsEjected();
}

}  // namespace

bool PickPlan::MayEject(const Backend& backend) const {
  for (const BalancerNode* leaf : Leaves()) {
    bool lists_it = false;
    size_t ejected = 0;
    for (const uint32_t index : leaf->listed()) {
      const Backend& member = entries_[index].backend();
      lists_it |= &member == &backend;
      ejected += IsEjected(member);
    }
    if (lists_it &&
        ejected >= MaxEjected(leaf->listed().size(), max_ejected_percent_)) {
      return false;
    }
  }
  return true;
}

void PickPlan::ReturnExcessEjected() const {
  for (const BalancerNode* leaf : Leaves()) {
    size_t ejected = 0;
    for (const uint32_t index : leaf->listed()) {
      ejected += IsEjected(entries_[index].backend());
    }
    const size_t most = MaxEjected(leaf->listed().size(), max_ejected_percent_);
    for (const uint32_t index : leaf->listed()) {
      if (ejected <= most) break;
      Backend& member = entries_[index].backend();
      if (!IsEjected(member)) continue;
      member.health.EndEjection("too many backends of its balancer were out");
      --ejected;
    }
  }
}

}  // namespace multi_backend

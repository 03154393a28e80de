// LatestPlan: the newest plan of a channel, which tells whether a retry could
// go anywhere.  A plan holds no object of core, so any thread may drop it.
// Thread-safe.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_LATEST_PLAN_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_LATEST_PLAN_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class LatestPlan {
 public:
  // Null before the first plan and after the shutdown of the LB policy.
  std::shared_ptr<const PickPlan> Get() const {
    MutexLock lock(&mutex_);
    return plan_;
  }
  // As PickPlan::MayEject(); true without a plan.  Never destroys a plan, whose
  // destructor takes locks of backends.
  bool MayEject(const Backend& backend) const {
    MutexLock lock(&mutex_);
    return plan_ == nullptr || plan_->MayEject(backend);
  }
  void Set(std::shared_ptr<const PickPlan> plan) {
    MutexLock lock(&mutex_);
    plan_.swap(plan);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const PickPlan> plan_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_LATEST_PLAN_H_

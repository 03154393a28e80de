// FailureWatch: ejects backends whose share of failed calls is too high, by
// sampling the counters of one channel's backends at intervals.
//
// Used by the control plane only; not thread-safe.  Cost of Evaluate():
// O(backends).
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_FAILURE_WATCH_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_FAILURE_WATCH_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "multi_backend/health/state/failure_rate.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class FailureWatch {
 public:
  // The interval between calls of Evaluate(); InfiniteDuration when `config`
  // has no failure rate.
  static absl::Duration Interval(const HealthConfig& config);

  // Samples the counters and ejects backends.  A backend that is in several
  // balancers (the one of all backends and the one of its role) is ejected only
  // if each of them can do without it.
  void Evaluate(const PickPlan& plan, const PassiveHealthConfig& config,
                absl::Time now);

 private:
  struct Watched {
    explicit Watched(const FailureRateConfig& config) : rate(config) {}
    FailureRate rate;
    uint64_t finished = 0;
    uint32_t returns = 0;  // BackendHealth::returns() at the newest sample.
    uint64_t round = 0;    // The newest round that saw the backend.
  };

  void Sample(const PickPlan& plan, const FailureRateConfig& config,
              absl::Time now);

  FailureRateConfig config_;
  absl::flat_hash_map<uint32_t, Watched> watched_;  // By backend id.
  uint64_t round_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_FAILURE_WATCH_H_

// PlanPace: how soon a further plan may follow the last one.
//
// A plan costs some time for each backend, and the connections of a long list
// come one by one.  A plan for each of them would take a time of n squared.
//
// Threads: one at a time.
#ifndef MULTI_BACKEND_LB_POLICY_PLAN_PLAN_PACE_H_
#define MULTI_BACKEND_LB_POLICY_PLAN_PLAN_PACE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace multi_backend {

// Times are monotonic nanoseconds.
class PlanPace {
 public:
  // Meant to be several times what a plan takes, so that the plans of
  // connections that come one by one leave the core to the calls.
  static constexpr int64_t kPauseForEachBackend = 2'000;
  // A shorter pause is not worth a timer, which comes up to 5 ms late
  // (PolicyTimer).
  static constexpr int64_t kShortestPause = 1'000'000;

  // A plan is being made, of everything that is known now.
  void OnPlan(int64_t now) {
    last_ = now;
    due_ = INT64_MAX;
  }
  // Whether something that is not urgent can wait for the next plan, which is
  // then due().
  bool Defers(int64_t now, size_t backends) {
    const int64_t next =
        last_ + kPauseForEachBackend * static_cast<int64_t>(backends);
    if (next - now < kShortestPause) return false;
    due_ = std::min(due_, next);
    return true;
  }
  // When to make a plan; INT64_MAX if nothing waits for one.
  int64_t due() const { return due_; }

 private:
  int64_t last_ = 0;
  int64_t due_ = INT64_MAX;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_PLAN_PLAN_PACE_H_

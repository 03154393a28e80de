// PeakEwma: the better of two random members by latency x (calls in flight + 1)
// / weight, where latency is a peak-sensitive moving average.
//
// Source: Finagle's PeakEwma (finagle-core, loadbalancer/PeakEwma.scala), known
// from Linkerd too.  Its average jumps up to a higher sample at once and decays
// down with time, so that one slow answer moves calls away before many pile up.
//
// Its traps, and what is done here:
//  * A member without calls keeps its bad average.  Its cost decays with time
//    as in Finagle; besides, at most one pick in kProbeEvery goes to the member
//    unmeasured for longest, whatever it costs, and an average that nothing has
//    refreshed for long gives way to a better sample quickly.
//  * A member that fails at once looks fast.  A failed attempt counts as a
//    latency much above the member's own (see ObserveLatency).
//  * A new member has no average and looks free.  It is tried with one call at
//    a time until the first one has been measured: neither flooded nor starved.
//
// Cost: O(1) a pick while most members are eligible; reads the clock once.
// Threads: as Strategy; ObserveLatency may be called from any thread.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/lb_policy/clock.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/lb_policy/strategies/algorithms/two_choices.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

// Takes one ended attempt into the member's average.  `decay` is the average's
// time constant (BalancerConfig::ewma_decay); `now_nanos` is of the Clock that
// the picks use.  An attempt that failed for reasons of the backend counts as
// at least 10 times the present average, and as at least 100 ms: the factor
// keeps it above any honest latency, which the floor alone would not where
// calls take seconds.  Thread-safe, lock-free.
void ObserveLatency(LoadStats& stats, int64_t latency_nanos, bool failed,
                    int64_t now_nanos, absl::Duration decay);

class PeakEwma final : public Strategy {
 public:
  // One pick in so many, at most, is a probe.  Together with the calls that a
  // lucky answer to a probe attracts, a slow member stays below 0.1 % of calls.
  static constexpr uint32_t kProbeEvery = 2048;

  explicit PeakEwma(StrategyArgs args);
  size_t Pick(const PickRequest& request) override;

 private:
  size_t Cheaper(size_t a, size_t b, int64_t now_nanos);
  bool ProbeDue(const PickRequest& request, int64_t now_nanos);
  void RestartProbe(int64_t now_nanos);

  const std::vector<Member> members_;
  const Clock* const clock_;
  const double decay_nanos_;
  // Used by picks only.
  TwoChoices choices_;
  uint32_t picks_since_probe_ = 0;
  int64_t last_probe_nanos_ = INT64_MIN;
  // Of the losers since the last probe, the one measured longest ago.
  size_t stalest_ = kNone;
  int64_t stalest_stamp_nanos_ = INT64_MAX;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_

// PeakEwma: draws two random members and picks the one of lower cost, which is
// latency x (calls in flight + 1) / weight.  The latency is a moving average
// that is sensitive to peaks.
//
// Source: Finagle's PeakEwma (finagle-core, loadbalancer/PeakEwma.scala), which
// Linkerd uses too.  The average jumps up to a higher sample at once and decays
// with time, so that one slow answer moves calls away before many pile up.
//
// Only unary calls are measured.  The life of a stream, and the time until its
// first message, depend on what there is to say; a watch that ends after an
// hour would mark its backend as slow for minutes.  While it lives, a stream
// counts as a call in flight, and one that fails counts as a failure.
//
// The algorithm has three traps:
//  * A member without calls would keep a bad average.  So its cost decays with
//    time as in Finagle.  In addition, at most one pick in kProbeEvery goes to
//    the member measured longest ago, whatever its cost, and a better sample
//    soon replaces an average that has not been updated for long.
//  * A member that fails at once would look fast.  So a failed attempt counts
//    as a latency well above the member's own (see ObserveLatency).
//  * A new member has no average and would look free.  So it gets one call at a
//    time until the first has been measured; it is neither flooded nor starved.
//
// Cost: O(1) per pick while most members are eligible, and one clock reading.
// Threads: as Strategy; ObserveLatency may be called from any thread.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/lb_policy/strategies/algorithms/two_choices.h"
#include "multi_backend/lb_policy/strategy.h"

namespace multi_backend {

// Adds one ended attempt to the member's average.  `decay` is the average's
// time constant (BalancerConfig::ewma_decay); `now_nanos` comes from the Clock
// that the picks use.  `failed` says that the backend is to blame; the attempt
// then counts as at least 10 times the present average and at least 100 ms.
// Where calls take seconds, the floor of 100 ms alone would make a failure look
// fast.  Thread-safe, lock-free.
void ObserveLatency(LoadStats& stats, int64_t latency_nanos, bool failed,
                    int64_t now_nanos, absl::Duration decay);

class PeakEwma final : public Strategy {
 public:
  // At most one pick in kProbeEvery is a probe.  A slow member then gets less
  // than 0.1 % of the calls, including those that a lucky answer attracts.
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
  // The member measured longest ago among the losers since the last probe.
  size_t stalest_ = kNone;
  int64_t stalest_stamp_nanos_ = INT64_MAX;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_PEAK_EWMA_PEAK_EWMA_H_

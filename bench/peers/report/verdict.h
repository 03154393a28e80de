// Judge(): whether a ratio of ours to a peer's reaches its goal, in view of how
// much two equal peers differed in the same run (A/A).
//
// A ratio of time says something only where its interval does not overlap the
// interval of A/A.  So a gain that cannot be told from noise is not reached,
// and a peer that cannot be told from ours is not ahead.
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_VERDICT_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_VERDICT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/bench/peers/report/paired_ratios.h"

namespace multi_backend {

struct Goal {
  enum class Kind {
    kNone,  // The row is only shown.
    // Costs, which are counted: the median ratio is within the bound.
    kCostAtMost,
    // Ratios of time, which is noisy: within the bound and, if the bound asks
    // to be better than the peer, no noise.
    kTimeAtMost,
    kRateAtLeast,
    // Ratios of rates that must not be behind a peer: at least 1, or no
    // difference seen.
    kRateNotBehind,
    // Absolute figures of ours, which are not compared.
    kAtMost,
    kAtLeast,
  };
  Kind kind = Kind::kNone;
  double bound = 0;

  std::string ToString() const;
};

enum class Verdict {
  kShown,
  kReached,
  kMissed,
  kNoDifference,  // "no difference seen"
  kTooFewTurns,   // There are no intervals.
};

struct Judgement {
  Verdict verdict = Verdict::kShown;
  bool passed = true;
};

absl::string_view VerdictName(Verdict verdict);

// `aa` is the interval of the ratio of two equal peers.  For kAtMost and
// kAtLeast, the median of `ours` is the figure, and `aa` does not matter.
Judgement Judge(const Goal& goal, const RatioEstimate& ours,
                const absl::optional<Interval>& aa);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_VERDICT_H_

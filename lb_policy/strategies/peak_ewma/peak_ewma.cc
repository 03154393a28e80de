#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"

#include <algorithm>
#include <utility>

namespace multi_backend {
namespace {

// What a failed attempt counts as; see the header.
constexpr double kFailureFactor = 10;
constexpr double kFailureFloorNanos = 100e6;
// The factor compounds with every failure in a row; beyond a minute it would
// only delay the return by decay.
constexpr double kFailureCeilingNanos = 60e9;

// A sample below the average takes it down by at least this share of the
// difference.  By time alone (Finagle) an average stays near the worst sample
// of a whole decay time, so a usual mix of answers looks several times slower
// than it is, and a member that really is ten times slower hardly differs: in
// the simulation it got three times the calls.
constexpr double kSampleShare = 1.0 / 8;

// An average older than this share of the decay time says little about the
// member as it is now; a member in use is measured far more often, so this is
// about probes.  The next sample then counts for most of the new average, and
// what is left of the old one for at most kStaleMost samples: a healed member
// is back after one or two probes, however bad it was, while one lucky answer
// of a slow one does not yet bring it back.
constexpr double kStaleShare = 0.1;
constexpr double kStaleKeep = 0.25;
constexpr double kStaleMost = 16;

// Cost of a member whose first call is still under way: above every measured
// one, so that it gets no second call but from a probe.
constexpr double kUnmeasuredNanos = 1e15;

// About e^x, in a few multiplications: (1 + x/8)^8.  It is within 10 % up to
// x = 1.5 and grows more slowly later; an average that old is probed anyway.
double GrowthOf(double x) {
  double y = 1 + x * 0.125;
  y *= y;
  y *= y;
  return y * y;
}

double NextAverage(double average, double latency, bool failed, double age,
                   double decay) {
  if (age < 0) age = 0;
  const double decayed = decay > 0 ? average / GrowthOf(age / decay) : 0;
  if (failed) {
    const double penalty =
        std::max(kFailureFloorNanos, kFailureFactor * decayed);
    return std::max(latency, std::min(penalty, kFailureCeilingNanos));
  }
  if (average == 0 || latency >= decayed) return latency;
  if (age > kStaleShare * decay) {
    return kStaleKeep * std::min(decayed, kStaleMost * latency) +
           (1 - kStaleKeep) * latency;
  }
  const double keep = std::min(1 - kSampleShare, 1 / GrowthOf(age / decay));
  return average * keep + latency * (1 - keep);
}

}  // namespace

void ObserveLatency(LoadStats& stats, int64_t latency_nanos, bool failed,
                    int64_t now_nanos, absl::Duration decay) {
  // 0 means "not measured".
  const double latency =
      static_cast<double>(std::max<int64_t>(latency_nanos, 1));
  const double decay_nanos = absl::ToDoubleNanoseconds(decay);
  // The average and its time are two words.  When two attempts end at the same
  // moment one may decay by the other's age, at most the time between them.
  double average = stats.ewma_nanos.load(std::memory_order_relaxed);
  double next;
  do {
    const int64_t stamp =
        stats.ewma_stamp_nanos.load(std::memory_order_relaxed);
    next = NextAverage(average, latency, failed,
                       static_cast<double>(now_nanos - stamp), decay_nanos);
  } while (!stats.ewma_nanos.compare_exchange_weak(average, next,
                                                   std::memory_order_relaxed));
  int64_t stamp = stats.ewma_stamp_nanos.load(std::memory_order_relaxed);
  while (stamp < now_nanos &&
         !stats.ewma_stamp_nanos.compare_exchange_weak(
             stamp, now_nanos, std::memory_order_relaxed)) {
  }
}

PeakEwma::PeakEwma(StrategyArgs args)
    : members_(std::move(args.members)),
      clock_(args.clock),
      decay_nanos_(
          std::max(1.0, absl::ToDoubleNanoseconds(args.config.ewma_decay))),
      choices_(members_, args.seed) {}

size_t PeakEwma::Pick(const PickRequest& request) {
  const int64_t now_nanos = clock_->NowNanos();
  if (++picks_since_probe_ >= kProbeEvery && ProbeDue(request, now_nanos)) {
    const size_t probed = stalest_;
    RestartProbe(now_nanos);
    return probed;
  }
  return choices_.Pick(request, [this, now_nanos](uint32_t a, uint32_t b) {
    return Cheaper(a, b, now_nanos);
  });
}

size_t PeakEwma::Cheaper(size_t a, size_t b, int64_t now_nanos) {
  struct Cost {
    double load;     // Latency x (calls in flight + 1), not decayed.
    double divisor;  // Weight x decay.
    int64_t stamp;
  };
  const auto cost_of = [this, now_nanos](size_t index) {
    const Member& member = members_[index];
    const double calls = static_cast<double>(
        member.load->in_flight.load(std::memory_order_relaxed));
    const double average =
        member.load->ewma_nanos.load(std::memory_order_relaxed);
    const int64_t stamp =
        member.load->ewma_stamp_nanos.load(std::memory_order_relaxed);
    const double weight = member.weight;
    if (average == 0) {
      return Cost{calls > 0 ? kUnmeasuredNanos * (calls + 1) : 0, weight,
                  stamp};
    }
    const double age =
        static_cast<double>(std::max<int64_t>(now_nanos - stamp, 0));
    return Cost{average * (calls + 1), weight * GrowthOf(age / decay_nanos_),
                stamp};
  };
  const Cost cost_a = cost_of(a);
  const Cost cost_b = cost_of(b);
  const bool a_wins =
      cost_a.load * cost_b.divisor <= cost_b.load * cost_a.divisor;
  const size_t loser = a_wins ? b : a;
  const int64_t loser_stamp = a_wins ? cost_b.stamp : cost_a.stamp;
  if (loser_stamp < stalest_stamp_nanos_) {
    stalest_ = loser;
    stalest_stamp_nanos_ = loser_stamp;
  }
  return a_wins ? a : b;
}

// Whether stalest_ should get this call: it is still stale, and the last probe
// is long enough ago that a busy client does not probe more than is useful.
bool PeakEwma::ProbeDue(const PickRequest& request, int64_t now_nanos) {
  if (stalest_ == kNone) return false;
  const double stale_after = kStaleShare * decay_nanos_;
  if (last_probe_nanos_ != INT64_MIN &&
      static_cast<double>(now_nanos - last_probe_nanos_) < stale_after) {
    return false;
  }
  const Member& member = members_[stalest_];
  const int64_t stamp =
      member.load->ewma_stamp_nanos.load(std::memory_order_relaxed);
  if (static_cast<double>(now_nanos - stamp) < stale_after ||
      !member.Eligible(request)) {
    // It has been measured meanwhile, or may not be picked: look for another.
    stalest_ = kNone;
    stalest_stamp_nanos_ = INT64_MAX;
    return false;
  }
  return true;
}

void PeakEwma::RestartProbe(int64_t now_nanos) {
  picks_since_probe_ = 0;
  last_probe_nanos_ = now_nanos;
  stalest_ = kNone;
  stalest_stamp_nanos_ = INT64_MAX;
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/strategies/peak_ewma/peak_ewma.h"

#include <algorithm>
#include <utility>

namespace multi_backend {
namespace {

// The latency that a failed attempt counts as; see ObserveLatency.
constexpr double kFailureFactor = 10;
constexpr double kFailureFloorNanos = 100e6;
// Each failure in a row multiplies the average again.  Beyond a minute that
// would only delay the member's return.
constexpr double kFailureCeilingNanos = 60e9;

// A sample below the average lowers it by at least this share of the
// difference.  In Finagle only time lowers an average, so it stays near the
// worst sample of the last decay time.  Then an ordinary mix of answers looks
// several times slower than it is, and a member that really is ten times slower
// hardly stands out: in the simulation it got three times the calls.
constexpr double kSampleShare = 1.0 / 8;

// An average older than this share of the decay time is stale: it says little
// about the member as it is now.  A member in use is measured far more often,
// so only probed members are stale.  The next sample then makes up most of the
// new average, and the old average is cut to at most kStaleMost samples.  So a
// healed member is back after one or two probes, however slow it was, but one
// lucky answer does not bring back a slow member.
constexpr double kStaleShare = 0.1;
constexpr double kStaleKeep = 0.25;
constexpr double kStaleMost = 16;

// Cost of a member whose first call is still in flight.  It exceeds every
// measured cost, so that only a probe can send the member a second call.
constexpr double kUnmeasuredNanos = 1e15;

// Approximates e^x by (1 + x/8)^8, to avoid exp().  The result is within 10 %
// up to x = 1.5.  Beyond that it grows too slowly, which does not matter
// because an average that old is probed anyway.
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
  // The average and its time are two words, updated one after the other.  If
  // two attempts end at once, one may use the other's time; the error is at
  // most the time between them.
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
    double load;     // Latency x (calls in flight + 1), without decay.
    double divisor;  // Weight x growth with age.
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

// Whether this call should probe stalest_: it is still stale, and the last
// probe is long enough ago.  The second condition limits what a busy client
// spends on probes.
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
    // The member has been measured since or is ineligible: look for another.
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

#include "multi_backend/resolver/dns/refresh_pace.h"

#include <algorithm>

namespace multi_backend {
namespace {

// The shares of a TTL between which to ask again, early enough for the answer
// to arrive before the TTL ends.
constexpr double kEarliestShare = 0.8;
constexpr double kLatestShare = 0.95;

}  // namespace

absl::Duration DnsRefreshDelay(absl::Duration ttl,
                               const DnsSourceOptions& options, double unit) {
  const absl::Duration kept =
      std::max(std::min(ttl, options.max_ttl), options.min_ttl);
  return kept * (kEarliestShare + (kLatestShare - kEarliestShare) * unit);
}

DnsRefreshPace::DnsRefreshPace(const DnsSourceOptions& options)
    : options_(options),
      after_nothing_(options.backoff),
      after_part_(options.refresh_backoff),
      between_requests_(options.refresh_backoff) {}

DnsRefreshPace::Delays DnsRefreshPace::After(const DnsRound& round,
                                             double unit) {
  using Outcome = DnsRound::Outcome;
  Delays delays;
  delays.next = round.outcome == Outcome::kNothing
                    ? absl::InfiniteDuration()
                    : DnsRefreshDelay(round.ttl, options_, unit);
  delays.earliest = options_.min_ttl;
  if (round.outcome != Outcome::kNothing) after_nothing_.Reset();
  if (round.outcome == Outcome::kComplete) {
    after_part_.Reset();
    if (round.changed || !round.requested) {
      between_requests_.Reset();
    } else {
      delays.earliest = std::max(delays.earliest, between_requests_.Next(unit));
    }
    return delays;
  }
  // A question that is under way has not failed yet.
  if (round.under_way) return delays;
  Backoff& backoff =
      round.outcome == Outcome::kNothing ? after_nothing_ : after_part_;
  delays.next = std::min(delays.next, backoff.Next(unit));
  delays.earliest = absl::InfiniteDuration();
  return delays;
}

}  // namespace multi_backend

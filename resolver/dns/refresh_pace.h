// DnsRefreshPace: when a DNS group asks its questions again.
//
//   DnsRefreshPace pace(options);
//   const auto delays = pace.After(round, unit);
//
// Pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_DNS_REFRESH_PACE_H_
#define MULTI_BACKEND_RESOLVER_DNS_REFRESH_PACE_H_

#include "absl/time/time.h"
#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

// What a round of questions has brought so far.
struct DnsRound {
  enum class Outcome {
    kNothing,   // Nothing that can be used.
    kPart,      // A list, but a question has no answer.
    kComplete,  // Every question has an answer.
  };
  Outcome outcome = Outcome::kNothing;
  // The smallest TTL of what was learned.
  absl::Duration ttl = absl::InfiniteDuration();
  bool under_way = false;  // A question may still be answered.
  bool changed = false;    // The list has changed.
  bool requested = false;  // RequestRefresh() caused the round.
};

class DnsRefreshPace {
 public:
  // Both count from the start of the round.
  struct Delays {
    absl::Duration next;      // When to ask again.
    absl::Duration earliest;  // When to ask again if requested.
  };

  // `options` must outlive the pace.
  explicit DnsRefreshPace(const DnsSourceOptions& options);

  // `unit`: a random number of [0, 1].
  Delays After(const DnsRound& round, double unit);

 private:
  const DnsSourceOptions& options_;
  Backoff after_nothing_;
  Backoff after_part_;
  // A backend that stays away must not make every client ask each second.
  Backoff between_requests_;
};

// When to ask again after an answer with `ttl`; `unit` is random in [0, 1].
absl::Duration DnsRefreshDelay(absl::Duration ttl,
                               const DnsSourceOptions& options, double unit);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_REFRESH_PACE_H_

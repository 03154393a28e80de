// Backoff: how long to wait before the next attempt after consecutive failures.
//
//   Backoff backoff;
//   wait = backoff.Next(absl::Uniform(gen, 0.0, 1.0));  // After each failure.
//   backoff.Reset();                                    // After a success.
//
// The waits double from `initial` to `max`.  Each is multiplied by a random
// factor from 1 - jitter to 1 + jitter, so that clients that failed together do
// not return together (gRPC's connection backoff, with a factor of 2).
// Pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_SOURCE_BACKOFF_H_
#define MULTI_BACKEND_RESOLVER_SOURCE_BACKOFF_H_

#include "absl/time/time.h"

namespace multi_backend {

struct BackoffOptions {
  absl::Duration initial = absl::Seconds(1);
  absl::Duration max = absl::Seconds(32);  // Before the random factor.
  double jitter = 0.2;                     // Ratio, 0..1.
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options = {})
      : options_(options), base_(options.initial) {}

  // `unit`: a random number of [0, 1].
  absl::Duration Next(double unit);
  void Reset() { base_ = options_.initial; }

 private:
  const BackoffOptions options_;
  absl::Duration base_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_SOURCE_BACKOFF_H_

// FailureRate: the share of one backend's calls that failed within a sliding
// window, computed from samples of two counters that only grow.
//
// The window moves in steps of a tenth of its length, so it covers between 9/10
// and 10/10 of that length.  Calls that ended between two samples count at the
// time of the later sample, so sample at least once per step.
//
// Cost: O(kBuckets) for each function, 280 bytes.  Not thread-safe.
#ifndef MULTI_BACKEND_HEALTH_STATE_FAILURE_RATE_H_
#define MULTI_BACKEND_HEALTH_STATE_FAILURE_RATE_H_

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class FailureRate {
 public:
  static constexpr int kBuckets = 10;

  // Uses only `window` and `min_calls` of `config`.
  explicit FailureRate(const FailureRateConfig& config);

  // The longest time that may pass between two samples.
  absl::Duration step() const { return step_; }

  // Adds a sample: `finished_total` calls have ended so far, and `failed_total`
  // of them have failed.  The first sample only sets the starting point.
  // Requires that `now` and both counters do not go backwards.
  void Sample(uint64_t finished_total, uint64_t failed_total, absl::Time now);

  // Returns the failed calls as a share, 0 to 1, of the calls that ended in the
  // window.  Returns nullopt when fewer than `min_calls` ended, which is too
  // few to conclude anything.
  absl::optional<double> Share(absl::Time now) const;

  // Discards everything; the next sample is the new starting point.  Meant for
  // a backend that returns after an ejection: neither the failures that caused
  // the ejection nor calls that ended during it may eject the backend again.
  void Restart();

 private:
  struct Bucket {
    int64_t step = INT64_MIN;  // Number of the step since the epoch.
    uint64_t finished = 0;
    uint64_t failed = 0;
  };

  int64_t StepAt(absl::Time now) const;

  absl::Duration step_;
  uint64_t min_calls_;
  bool started_ = false;
  uint64_t finished_total_ = 0;
  uint64_t failed_total_ = 0;
  std::array<Bucket, kBuckets> buckets_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_FAILURE_RATE_H_

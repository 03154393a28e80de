// FailureRate: which share of one backend's calls failed of late, from counters
// that only grow.
//
// The window slides in kBuckets steps, so it covers 9/10 to 10/10 of its
// length.  What was counted between two samples belongs to the time of the
// later one: sample at least once per step.
//
// Cost: O(kBuckets), 280 bytes.  Not thread-safe.
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

  // Of the configuration, `window` and `min_calls` matter here.
  explicit FailureRate(const FailureRateConfig& config);

  // How often to sample at least.
  absl::Duration step() const { return step_; }

  // All calls that have ever ended, and those of them that failed.  The first
  // sample is where counting begins.  `now` and the counters do not go back.
  void Sample(uint64_t finished_total, uint64_t failed_total, absl::Time now);

  // Failed calls as a share of those that ended, 0 to 1; nullopt when fewer
  // than `min_calls` did, so nothing can be concluded.
  absl::optional<double> Share(absl::Time now) const;

  // Counting begins again with the next sample.  For a backend that comes back:
  // neither what it was ejected for, nor calls that ended while it was away,
  // may eject it again.
  void Restart();

 private:
  struct Bucket {
    int64_t step = INT64_MIN;  // Which step since the epoch.
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

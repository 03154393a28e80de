#include "multi_backend/health/state/failure_rate.h"

#include <algorithm>

namespace multi_backend {

FailureRate::FailureRate(const FailureRateConfig& config)
    : step_(std::max(config.window / kBuckets, absl::Milliseconds(1))),
      // At least 1, because the share of zero calls is undefined.
      min_calls_(static_cast<uint64_t>(std::max(config.min_calls, 1))) {}

int64_t FailureRate::StepAt(absl::Time now) const {
  absl::Duration rest;
  return absl::IDivDuration(now - absl::UnixEpoch(), step_, &rest);
}

void FailureRate::Sample(uint64_t finished_total, uint64_t failed_total,
                         absl::Time now) {
  if (started_) {
    const int64_t step = StepAt(now);
    Bucket& bucket = buckets_[static_cast<uint64_t>(step) % kBuckets];
    if (bucket.step != step) bucket = Bucket{step, 0, 0};
    bucket.finished += finished_total - finished_total_;
    bucket.failed += failed_total - failed_total_;
  }
  started_ = true;
  finished_total_ = finished_total;
  failed_total_ = failed_total;
}

absl::optional<double> FailureRate::Share(absl::Time now) const {
  const int64_t step = StepAt(now);
  uint64_t finished = 0;
  uint64_t failed = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.step <= step - kBuckets) continue;
    finished += bucket.finished;
    failed += bucket.failed;
  }
  if (finished < min_calls_) return absl::nullopt;
  // The two counters may have been read at slightly different moments.
  return std::min(1.0,
                  static_cast<double>(failed) / static_cast<double>(finished));
}

void FailureRate::Restart() {
  started_ = false;
  buckets_.fill(Bucket());
}

}  // namespace multi_backend

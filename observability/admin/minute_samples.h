// MinuteSamples: the attempts of the last minute by backend, second by second.
//
// They are what the status page draws: how many attempts a backend got, how
// many failed, and the median and the 99th percentile of their latencies.
//
// Add() takes one of 16 locks for about 100 ns, and Of() takes one for about
// 1 us, so that a reader does not hold up calls.  A backend takes 5 KB.
//
// Threads: any.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_MINUTE_SAMPLES_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_MINUTE_SAMPLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "multi_backend/observability/metrics/latency_buckets.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class MinuteSamples {
 public:
  static constexpr int kSeconds = 60;

  struct Counts {
    // The latency in nanoseconds that the fraction `quantile` of the attempts
    // does not exceed, interpolated within its bucket; 10 s where it is in the
    // last one, 0 without attempts.
    double Quantile(double quantile) const;
    void Add(const Counts& other);

    uint64_t attempts = 0;
    uint64_t errors = 0;
    std::array<uint32_t, kBuckets> buckets = {};  // See BucketOf().
  };

  // Seconds before the present one, oldest first.
  using Minute = std::array<Counts, kSeconds>;

  // Backends beyond `max_backends` are not sampled while those that are have
  // had attempts in the last minute.
  explicit MinuteSamples(size_t max_backends)
      : max_in_shard_((max_backends + kShards - 1) / kShards) {}

  // `second` is the present one, in whole Unix seconds; its clock does not go
  // backwards by much.
  void Add(const Label& target, const Label& backend, bool error,
           int64_t latency_nanos, int64_t second);

  // The 60 whole seconds before `second`; null if there was no attempt in them.
  std::unique_ptr<Minute> Of(const Label& target, const Label& backend,
                             int64_t second) const;

 private:
  static constexpr size_t kShards = 16;
  // One slot more than a minute has seconds, for the present one.
  static constexpr int kSlots = kSeconds + 1;

  struct Slot {
    int64_t second = -1;
    uint32_t attempts = 0;
    uint32_t errors = 0;
    std::array<uint32_t, kBuckets> buckets = {};
  };
  struct Series {
    int64_t newest = 0;
    std::array<Slot, kSlots> slots;
  };
  struct Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<uint64_t, std::unique_ptr<Series>> series
        ABSL_GUARDED_BY(mutex);
  };

  Series* FindOrAddLocked(Shard& shard, uint64_t key, int64_t second)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  const size_t max_in_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_MINUTE_SAMPLES_H_

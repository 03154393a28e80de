#include "multi_backend/observability/admin/minute_samples.h"

#include <algorithm>

#include "multi_backend/observability/metrics/bucket_of.h"

namespace multi_backend {
namespace {

// The hashes are seeded in each process, so nobody can choose names that
// collide.
uint64_t KeyOf(const Label& target, const Label& backend) {
  return target.hash * 0x9E3779B97F4A7C15u + backend.hash;
}

// Where bucket number `bucket` begins, in nanoseconds.
double Boundary(size_t bucket) {
  return bucket == 0 ? 0 : static_cast<double>(kBoundaryNanos[bucket - 1]);
}

}  // namespace

double MinuteSamples::Counts::Quantile(double quantile) const {
  const double rank = quantile * static_cast<double>(attempts);
  double below = 0;
  for (size_t i = 0; i < kBoundaries; ++i) {
    if (buckets[i] > 0 && below + buckets[i] >= rank) {
      const double from = Boundary(i);
      return from + (Boundary(i + 1) - from) * (rank - below) / buckets[i];
    }
    below += buckets[i];
  }
  return attempts == 0 ? 0 : Boundary(kBoundaries);
}

void MinuteSamples::Counts::Add(const Counts& other) {
  attempts += other.attempts;
  errors += other.errors;
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
}

void MinuteSamples::Add(const Label& target, const Label& backend, bool error,
                        int64_t latency_nanos, int64_t second) {
  const uint64_t key = KeyOf(target, backend);
  const size_t bucket = BucketOf(std::max<int64_t>(latency_nanos, 0));
  Shard& shard = shards_[key % kShards];
  MutexLock lock(&shard.mutex);
  Series* const series = FindOrAddLocked(shard, key, second);
  if (series == nullptr) return;
  series->newest = std::max(series->newest, second);
  Slot& slot = series->slots[second % kSlots];
  if (slot.second != second) {
    // A thread that was held up for a minute has nothing to add.
    if (slot.second > second) return;
    slot = Slot();
    slot.second = second;
  }
  ++slot.attempts;
  if (error) ++slot.errors;
  ++slot.buckets[bucket];
}

MinuteSamples::Series* MinuteSamples::FindOrAddLocked(Shard& shard,
                                                      uint64_t key,
                                                      int64_t second) {
  const auto found = shard.series.find(key);
  if (found != shard.series.end()) return found->second.get();
  if (shard.series.size() >= max_in_shard_) {
    absl::erase_if(shard.series, [second](const auto& entry) {
      return entry.second->newest < second - kSeconds;
    });
    if (shard.series.size() >= max_in_shard_) return nullptr;
  }
  return (shard.series[key] = std::make_unique<Series>()).get();
}

std::unique_ptr<MinuteSamples::Minute> MinuteSamples::Of(const Label& target,
                                                         const Label& backend,
                                                         int64_t second) const {
  const uint64_t key = KeyOf(target, backend);
  const Shard& shard = shards_[key % kShards];
  Series copy;
  {
    MutexLock lock(&shard.mutex);
    const auto found = shard.series.find(key);
    if (found == shard.series.end() ||
        found->second->newest < second - kSeconds) {
      return nullptr;
    }
    copy = *found->second;
  }
  auto minute = std::make_unique<Minute>();
  bool any = false;
  for (const Slot& slot : copy.slots) {
    const int64_t age = second - slot.second;
    if (slot.second < 0 || age < 1 || age > kSeconds) continue;
    any = true;
    Counts& counts = (*minute)[kSeconds - age];
    counts.attempts = slot.attempts;
    counts.errors = slot.errors;
    counts.buckets = slot.buckets;
  }
  if (!any) return nullptr;
  return minute;
}

}  // namespace multi_backend

// SeriesTable: the numbers of up to a fixed number of label sets, which calls
// look up by a 64-bit key without a lock.
//
// A key stands for one metric with one set of labels.  Two sets that had the
// same key would be counted together; with 10,000 of them that happens once in
// 10^11 processes.
//
//   Series* series = table.Find(key);                  // Lock-free.
//   if (series == nullptr) series = table.Add(key, …); // A new label set.
//   if (series != nullptr) series->Record(nanos);
//
// Memory: a Series is allocated when no free one is left, up to `max_series`,
// and never returned to the system before the table is destroyed.  A label set
// that Retire() has ended lends its Series to another one only after
// `grace`.  A thread that was stopped for longer than that between Find() and
// Record() adds one event to the wrong series.  It never touches freed memory.
//
// Threads: any for Find(), Add() and a Series' counts.  ForEach(), Retire() and
// Recycle() are the collector's: one thread at a time, in parallel to the
// others, and they take no lock.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_TABLE_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics/bucket_of.h"
#include "multi_backend/observability/metrics/latency_buckets.h"
#include "multi_backend/observability/metrics/metric_table.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

// The values of the labels, in the order of MetricSpec::labels.
using LabelValues = std::vector<std::string>;

struct SeriesIdentity {
  Metric metric = Metric::kAttemptDuration;
  std::shared_ptr<const LabelValues> labels;
  // Whether other keys may have the same labels, because a text was changed.
  bool ambiguous = false;
  // Whose departure ends the series (see Presence); 0 = nobody's.
  uint64_t owner = 0;
};

class alignas(64) Series {
 public:
  // Calls only write; a counter uses the first count.
  void Increment() { counts_[0].fetch_add(1, std::memory_order_relaxed); }
  void Record(int64_t nanos) {
    if (nanos < 0) nanos = 0;
    counts_[BucketOf(nanos)].fetch_add(1, std::memory_order_relaxed);
    sum_nanos_.fetch_add(static_cast<uint64_t>(nanos),
                         std::memory_order_relaxed);
  }

  uint64_t count(size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  uint64_t sum_nanos() const {
    return sum_nanos_.load(std::memory_order_relaxed);
  }
  // For the collector.
  const SeriesIdentity& identity() const { return identity_; }

 private:
  friend class SeriesTable;

  std::atomic<uint64_t> key_{0};
  // Whether `identity_` may be read.  Add() sets it, Retire() clears it.
  std::atomic<bool> live_{false};
  uint32_t slot_ = 0;  // Where the table refers to it.
  SeriesIdentity identity_;
  Series* next_free_ = nullptr;
  std::atomic<uint64_t> sum_nanos_{0};
  std::atomic<uint64_t> counts_[kBuckets] = {};
};

class SeriesTable {
 public:
  // The part of `max_series` that only Priority::kReserved gets.
  static constexpr size_t kReserved = 64;
  enum class Priority { kOrdinary, kReserved };

  SeriesTable(size_t max_series, absl::Duration grace);
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  // nullptr when the key is not there.  `key` is not 0.
  Series* Find(uint64_t key) const {
    if (Series* series = FindIn(key & mask_, key)) return series;
    return FindIn((key >> 32) & mask_, key);
  }

  // Finds the key or adds it, with what `identity` returns.  nullptr when the
  // table is full.  Takes a lock that only other calls of Add() take.
  Series* Add(uint64_t key, Priority priority,
              absl::FunctionRef<SeriesIdentity()> identity)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // True after Add() has found no place, until Recycle() has made some.
  bool full() const { return full_.load(std::memory_order_relaxed); }

  // How many series exist, in use or not; never more than `max_series`.
  size_t allocated() const {
    return allocated_.load(std::memory_order_acquire);
  }

  // Calls `visit` for each series in use.
  void ForEach(absl::FunctionRef<void(Series&)> visit);
  // Ends a series.  Allowed within ForEach().
  void Retire(Series& series, absl::Time now);
  // Makes the series that were retired long enough ago usable again.
  void Recycle(absl::Time now);

 private:
  static constexpr size_t kSlots = 8;
  static constexpr size_t kChunk = 256;

  // A key is in one of two buckets, which its bits choose, so that a removal
  // leaves no mark behind and a search reads at most four cache lines.
  struct alignas(64) Bucket {
    std::atomic<uint64_t> keys[kSlots] = {};
    std::atomic<Series*> series[kSlots] = {};
  };

  Series* FindIn(size_t bucket_index, uint64_t key) const {
    const Bucket& bucket = buckets_[bucket_index];
    for (size_t i = 0; i < kSlots; ++i) {
      if (bucket.keys[i].load(std::memory_order_acquire) != key) continue;
      Series* series = bucket.series[i].load(std::memory_order_acquire);
      // The slot may have got another series in between.
      if (series != nullptr &&
          series->key_.load(std::memory_order_relaxed) == key) {
        return series;
      }
    }
    return nullptr;
  }
  // The number of a free slot of the two buckets of `key`; -1 if there is none.
  int64_t FreeSlot(uint64_t key) const;
  Series* TakeFreeLocked(Priority priority)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Series& At(size_t index) const {
    return chunks_[index / kChunk].load(
        std::memory_order_relaxed)[index % kChunk];
  }

  const size_t max_series_;
  const absl::Duration grace_;
  size_t mask_ = 0;
  std::unique_ptr<Bucket[]> buckets_;
  std::unique_ptr<std::atomic<Series*>[]> chunks_;
  std::atomic<size_t> allocated_{0};
  std::atomic<bool> full_{false};
  // A stack of series on their way from the collector to Add(), which takes all
  // of them at once.
  std::atomic<Series*> recycled_{nullptr};

  Mutex mutex_;
  std::vector<Series*> free_ ABSL_GUARDED_BY(mutex_);

  // The collector's: retired series, oldest first.
  std::deque<std::pair<absl::Time, Series*>> resting_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_SERIES_TABLE_H_

#include "multi_backend/observability/metrics/series_table.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace multi_backend {

SeriesTable::SeriesTable(size_t max_series, absl::Duration grace)
    : max_series_(max_series), grace_(grace) {
  // With a third of the slots in use, and the emptier of two buckets taken, no
  // bucket of 8 gets full (Azar et al., "Balanced Allocations", 1994).
  size_t buckets = 16;
  while (buckets * kSlots < max_series * 5 / 2) buckets *= 2;
  mask_ = buckets - 1;
  buckets_ = std::make_unique<Bucket[]>(buckets);
  chunks_ = std::make_unique<std::atomic<Series*>[]>((max_series + kChunk - 1) /
                                                     kChunk);
}

SeriesTable::~SeriesTable() {
  for (size_t i = 0; i < allocated(); i += kChunk) {
    delete[] chunks_[i / kChunk].load(std::memory_order_relaxed);
  }
}

int64_t SeriesTable::FreeSlot(uint64_t key) const {
  int64_t found = -1;
  size_t most_free = 0;
  for (size_t index : {key & mask_, (key >> 32) & mask_}) {
    size_t free = 0;
    int64_t first = -1;
    for (size_t i = 0; i < kSlots; ++i) {
      if (buckets_[index].keys[i].load(std::memory_order_acquire) != 0) {
        continue;
      }
      if (free++ == 0) first = static_cast<int64_t>(index * kSlots + i);
    }
    if (free > most_free) {
      most_free = free;
      found = first;
    }
  }
  return found;
}

Series* SeriesTable::TakeFreeLocked(Priority priority) {
  for (Series* series = recycled_.exchange(nullptr, std::memory_order_acquire);
       series != nullptr; series = series->next_free_) {
    free_.push_back(series);
  }
  const size_t allocated = allocated_.load(std::memory_order_relaxed);
  const size_t in_use = allocated - free_.size();
  const size_t limit =
      max_series_ - (priority == Priority::kReserved ? 0 : kReserved);
  if (in_use >= limit) return nullptr;
  if (!free_.empty()) {
    Series* series = free_.back();
    free_.pop_back();
    return series;
  }
  if (allocated % kChunk == 0) {
    chunks_[allocated / kChunk].store(new Series[kChunk],
                                      std::memory_order_relaxed);
  }
  allocated_.store(allocated + 1, std::memory_order_release);
  return &At(allocated);
}

Series* SeriesTable::Add(uint64_t key, Priority priority,
                         absl::FunctionRef<SeriesIdentity()> identity) {
  MutexLock lock(&mutex_);
  if (Series* series = Find(key)) return series;
  const int64_t slot = FreeSlot(key);
  Series* series = slot < 0 ? nullptr : TakeFreeLocked(priority);
  if (series == nullptr) {
    if (priority == Priority::kOrdinary && slot >= 0) {
      full_.store(true, std::memory_order_relaxed);
    }
    return nullptr;
  }
  series->identity_ = identity();
  series->slot_ = static_cast<uint32_t>(slot);
  series->key_.store(key, std::memory_order_relaxed);
  Bucket& bucket = buckets_[series->slot_ / kSlots];
  bucket.series[slot % kSlots].store(series, std::memory_order_release);
  bucket.keys[slot % kSlots].store(key, std::memory_order_release);
  // Last, because the collector may retire it from now on.
  series->live_.store(true, std::memory_order_release);
  return series;
}

void SeriesTable::ForEach(absl::FunctionRef<void(Series&)> visit) {
  const size_t allocated = this->allocated();
  for (size_t i = 0; i < allocated; ++i) {
    Series& series = At(i);
    if (series.live_.load(std::memory_order_acquire)) visit(series);
  }
}

void SeriesTable::Retire(Series& series, absl::Time now) {
  // Add() writes free slots only, so nobody else writes this one.  The pointer
  // is left for a thread that has just read the key.
  buckets_[series.slot_ / kSlots].keys[series.slot_ % kSlots].store(
      0, std::memory_order_release);
  series.key_.store(0, std::memory_order_relaxed);
  series.live_.store(false, std::memory_order_relaxed);
  series.identity_ = SeriesIdentity();
  resting_.emplace_back(now, &series);
}

void SeriesTable::Recycle(absl::Time now) {
  bool any = false;
  while (!resting_.empty() && now - resting_.front().first >= grace_) {
    Series* series = resting_.front().second;
    resting_.pop_front();
    for (std::atomic<uint64_t>& count : series->counts_) {
      count.store(0, std::memory_order_relaxed);
    }
    series->sum_nanos_.store(0, std::memory_order_relaxed);
    series->next_free_ = recycled_.load(std::memory_order_relaxed);
    while (!recycled_.compare_exchange_weak(series->next_free_, series,
                                            std::memory_order_release,
                                            std::memory_order_relaxed)) {
    }
    any = true;
  }
  // Also for those of the last time: Add() may have found the stack empty just
  // before they came, and said "full" just after.
  if (any || recycled_.load(std::memory_order_relaxed) != nullptr) {
    full_.store(false, std::memory_order_relaxed);
  }
}

}  // namespace multi_backend

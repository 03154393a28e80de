// EventLog: the newest events of a process, and a way to wait for the next one.
//
// Threads: any.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class EventLog {
 public:
  // Enough for some minutes of a cluster that misbehaves; about 400 bytes each.
  static constexpr size_t kCapacity = 1024;

  // Sets the event's sequence number, and wakes those who wait.
  void Add(std::unique_ptr<admin::v1::Event> event) ABSL_LOCKS_EXCLUDED(mutex_);

  // The events with larger numbers that are kept, oldest first.  A reader whose
  // `sequence` is above newest() has it from an earlier process at the same
  // address, so it gets all events that are kept.
  std::vector<std::shared_ptr<const admin::v1::Event>> After(
      uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t newest() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits until After(sequence) has an event, for `timeout` at most.
  void WaitAfter(uint64_t sequence, absl::Duration timeout) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  mutable CondVar added_;
  std::deque<std::shared_ptr<const admin::v1::Event>> events_
      ABSL_GUARDED_BY(mutex_);
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_

// EventLog: the newest events of a process, and who waits for the next one.
//
// Threads: any.  Callbacks run on the thread that added the event, which calls
// may wait for, and must not add events or watches.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class EventLog {
 public:
  // Enough for some minutes of a cluster that misbehaves; about 400 bytes each.
  static constexpr size_t kCapacity = 1024;

  // Sets the event's sequence number, and calls those who wait.
  void Add(std::unique_ptr<admin::v1::Event> event) ABSL_LOCKS_EXCLUDED(mutex_);

  // The events with larger numbers that are kept, oldest first.
  std::vector<std::shared_ptr<const admin::v1::Event>> After(
      uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t newest() const ABSL_LOCKS_EXCLUDED(mutex_);

  // `on_event` must not block.  When RemoveWatch() has returned, it does not
  // run and will not; so it must not call RemoveWatch().
  uint64_t AddWatch(std::function<void()> on_event)
      ABSL_LOCKS_EXCLUDED(watches_mutex_);
  void RemoveWatch(uint64_t id) ABSL_LOCKS_EXCLUDED(watches_mutex_);

 private:
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<const admin::v1::Event>> events_
      ABSL_GUARDED_BY(mutex_);
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;

  // Held while a callback runs, so that RemoveWatch() can wait for it.
  Mutex watches_mutex_;
  std::map<uint64_t, std::function<void()>> watches_
      ABSL_GUARDED_BY(watches_mutex_);
  uint64_t last_watch_ ABSL_GUARDED_BY(watches_mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_EVENT_LOG_H_

// PoolEventWatch: a bounded queue of a pool's events, which the application
// empties at its own pace.
//
//   const auto watch = pool->Watch();
//   while (running) {
//     if (auto event = watch->Next(absl::Seconds(1))) Show(*event);
//   }
//
// Nothing waits for the application: when the queue is full, its oldest event
// is lost, and lost() counts it.  The watch may outlive the pool, and its
// destructor ends it.
//
// Threads: any thread may call every method, also while another waits in
// Next(); each event is returned once.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_WATCH_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/backends/events.h"

namespace multi_backend {

class PoolEventWatch {
 public:
  // Events from now on; holds at most `capacity` of them, at least one.
  PoolEventWatch(std::shared_ptr<PoolEvents> events, size_t capacity);
  ~PoolEventWatch();
  PoolEventWatch(const PoolEventWatch&) = delete;
  PoolEventWatch& operator=(const PoolEventWatch&) = delete;

  // The oldest event that has not been returned.  nullopt when there is none
  // and none comes within `timeout`.
  absl::optional<PoolEvent> Next(absl::Duration timeout);
  absl::optional<PoolEvent> TryNext() { return Next(absl::ZeroDuration()); }

  // How many events were lost because the queue was full.
  uint64_t lost() const;

 private:
  const std::shared_ptr<PoolEvents> events_;
  const std::shared_ptr<PoolEventQueue> queue_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_WATCH_H_

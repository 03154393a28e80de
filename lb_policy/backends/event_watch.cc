#include "multi_backend/lb_policy/backends/event_watch.h"

#include <utility>

namespace multi_backend {

PoolEventWatch::PoolEventWatch(std::shared_ptr<PoolEvents> events,
                               size_t capacity)
    : events_(std::move(events)),
      queue_(std::make_shared<PoolEventQueue>(capacity)) {
  events_->AddQueue(queue_);
}

PoolEventWatch::~PoolEventWatch() { events_->RemoveQueue(queue_.get()); }

absl::optional<PoolEvent> PoolEventWatch::Next(absl::Duration timeout) {
  return queue_->Pop(timeout);
}

uint64_t PoolEventWatch::lost() const { return queue_->lost(); }

}  // namespace multi_backend

#include "multi_backend/observability/admin/event_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace multi_backend {

using admin::v1::Event;

namespace {

// How many of the events 1 to `last` come after `sequence`.
uint64_t CountAfter(uint64_t sequence, uint64_t last) {
  return sequence > last ? last : last - sequence;
}

}  // namespace

void EventLog::Add(std::unique_ptr<Event> event) {
  std::shared_ptr<const Event> dropped;  // Destroyed without the lock.
  {
    MutexLock lock(&mutex_);
    event->set_sequence(++last_sequence_);
    events_.push_back(std::move(event));
    if (events_.size() > kCapacity) {
      dropped = std::move(events_.front());
      events_.pop_front();
    }
  }
  added_.SignalAll();
}

std::vector<std::shared_ptr<const Event>> EventLog::After(
    uint64_t sequence) const {
  MutexLock lock(&mutex_);
  const size_t count =
      std::min<uint64_t>(CountAfter(sequence, last_sequence_), events_.size());
  return {events_.end() - static_cast<ptrdiff_t>(count), events_.end()};
}

uint64_t EventLog::newest() const {
  MutexLock lock(&mutex_);
  return last_sequence_;
}

void EventLog::WaitAfter(uint64_t sequence, absl::Duration timeout) const {
  const auto end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  MutexLock lock(&mutex_);
  while (CountAfter(sequence, last_sequence_) == 0 &&
         std::chrono::steady_clock::now() < end) {
    added_.WaitUntil(&mutex_, end);
  }
}

}  // namespace multi_backend

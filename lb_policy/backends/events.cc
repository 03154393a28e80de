#include "multi_backend/lb_policy/backends/events.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multi_backend {

std::string PoolEvent::ToString() const {
  return absl::StrCat(
      who, ": ", from, " -> ", to, reason.empty() ? "" : ": ", reason,
      asked_by.empty() ? "" : absl::StrCat(" (asked by ", asked_by, ")"));
}

void PoolEvents::Add(PoolEvent event) {
  {
    MutexLock lock(&mutex_);
    event.sequence = ++last_sequence_;
    for (const auto& queue : queues_) queue->Push(event);
    if (ring_.size() == kCapacity) ring_.pop_front();
    ring_.push_back(std::move(event));
  }
  if (event_watches_.load() != 0) Call(&Watch::on_event);
}

std::vector<PoolEvent> PoolEvents::After(uint64_t sequence) const {
  MutexLock lock(&mutex_);
  std::vector<PoolEvent> events;
  if (ring_.empty()) return events;
  const uint64_t first = ring_.front().sequence;
  const size_t skip = sequence < first ? 0 : sequence - first + 1;
  for (size_t i = skip; i < ring_.size(); ++i) events.push_back(ring_[i]);
  return events;
}

void PoolEvents::Call(std::function<void()> Watch::*which) {
  std::vector<WatchRef> to_call;
  {
    MutexLock lock(&mutex_);
    to_call.reserve(watches_.size());
    for (const auto& watch : watches_) to_call.push_back(watch.second);
  }
  for (const WatchRef& watch : to_call) {
    const std::function<void()>& callback = (*watch).*which;
    if (callback != nullptr) callback();
  }
}

void PoolEvents::AddQueue(std::shared_ptr<PoolEventQueue> queue) {
  MutexLock lock(&mutex_);
  queues_.push_back(std::move(queue));
}

void PoolEvents::RemoveQueue(const PoolEventQueue* queue) {
  MutexLock lock(&mutex_);
  queues_.erase(
      std::remove_if(queues_.begin(), queues_.end(),
                     [queue](const auto& one) { return one.get() == queue; }),
      queues_.end());
}

PoolEvents::WatchId PoolEvents::AddWatch(
    std::function<void()> on_change, std::function<void()> on_capacity_freed,
    std::function<void()> on_reachable, std::function<void()> on_event) {
  MutexLock lock(&mutex_);
  if (on_event != nullptr) event_watches_.fetch_add(1);
  const WatchId id = next_watch_++;
  watches_[id] = std::make_shared<const Watch>(
      Watch{std::move(on_change), std::move(on_capacity_freed),
            std::move(on_reachable), std::move(on_event)});
  return id;
}

void PoolEvents::RemoveWatch(WatchId id) {
  WatchRef removed;  // Destroyed unlocked: its destructor may call back.
  MutexLock lock(&mutex_);
  auto it = watches_.find(id);
  if (it == watches_.end()) return;
  removed = std::move(it->second);
  if (removed->on_event != nullptr) event_watches_.fetch_sub(1);
  watches_.erase(it);
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/backend_pool.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/lb_policy/steady_clock.h"

namespace multi_backend {

std::shared_ptr<BackendPool> BackendPool::Create() {
  return absl::WrapUnique(new BackendPool());
}

BackendSnapshot BackendPool::Snapshot(const Entry& entry) {
  BackendSnapshot snapshot;
  const Backend& backend = *entry.backend;
  snapshot.address = backend.address();
  snapshot.name = backend.name();
  if (entry.endpoint != nullptr) {
    snapshot.role = entry.endpoint->role;
    snapshot.zone = entry.endpoint->zone;
    snapshot.weight = entry.endpoint->weight;
  }
  snapshot.healthy = entry.healthy;
  snapshot.state =
      snapshot.healthy ? BackendState::kAlive : BackendState::kDown;
  snapshot.reason = entry.reason;
  snapshot.since = entry.since;
  snapshot.in_flight = backend.load.in_flight.load(std::memory_order_relaxed);
  snapshot.calls = backend.calls.load(std::memory_order_relaxed);
  snapshot.failures = backend.failures.load(std::memory_order_relaxed);
  snapshot.retries_landed =
      backend.retries_landed.load(std::memory_order_relaxed);
  return snapshot;
}

std::vector<BackendSnapshot> BackendPool::GetAllBackends() const {
  std::vector<BackendSnapshot> all;
  std::lock_guard<std::mutex> lock(mutex_);
  all.reserve(entries_.size());
  for (const auto& item : entries_) all.push_back(Snapshot(item.second));
  return all;
}

std::vector<BackendSnapshot> BackendPool::GetHealthyBackends() const {
  std::vector<BackendSnapshot> healthy;
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& item : entries_) {
    BackendSnapshot snapshot = Snapshot(item.second);
    if (snapshot.healthy) healthy.push_back(std::move(snapshot));
  }
  return healthy;
}

void BackendPool::MarkHealthy(absl::string_view address,
                              absl::string_view reason) {
  Mark(address, reason, /*healthy=*/true);
}

void BackendPool::MarkUnhealthy(absl::string_view address,
                                absl::string_view reason) {
  Mark(address, reason, /*healthy=*/false);
}

void BackendPool::Mark(absl::string_view address, absl::string_view reason,
                       bool healthy) {
  const std::string text =
      absl::StrCat(healthy ? "marked healthy: " : "marked unhealthy: ", reason);
  std::vector<Callback> to_call;
  {
    bool changed = false;
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& item : entries_) {
      Entry& entry = item.second;
      if (item.first.first != address && item.first.second != address) continue;
      if (entry.mark_reason.empty() == healthy) continue;
      entry.mark_reason = healthy ? "" : text;
      UpdateHealth(entry, text);
      LoadStats& load = entry.backend->load;
      if (healthy) {
        load.usable_since_nanos.store(SteadyClock::Get().NowNanos(),
                                      std::memory_order_relaxed);
        load.unusable.fetch_and(~Backend::kMarkedUnhealthy,
                                std::memory_order_release);
        marked_.fetch_sub(1, std::memory_order_release);
      } else {
        marked_.fetch_add(1, std::memory_order_release);
        load.unusable.fetch_or(Backend::kMarkedUnhealthy,
                               std::memory_order_release);
      }
      changed = true;
    }
    if (changed) {
      for (const auto& watch : watches_) to_call.push_back(watch.second);
    }
  }
  for (const Callback& callback : to_call) (*callback)();
}

std::unique_ptr<BackendPool::Lease> BackendPool::Acquire(
    absl::string_view address, absl::string_view name) {
  std::lock_guard<std::mutex> lock(mutex_);
  Entry& entry = entries_[Key(std::string(address), std::string(name))];
  if (!entry.backend) {
    entry.backend =
        BackendRef::Adopt(new Backend(std::string(address), std::string(name)));
  }
  ++entry.users;
  return absl::WrapUnique(new Lease(shared_from_this(), &entry));
}

void BackendPool::Release(Entry* entry, size_t** counted_in) {
  std::lock_guard<std::mutex> lock(mutex_);
  Recount(counted_in, nullptr);
  if (--entry->users > 0) {
    UpdateHealth(*entry, "the channel that could not connect is gone");
    return;
  }
  if (!entry->mark_reason.empty()) marked_.fetch_sub(1);
  entries_.erase(Key(entry->backend->address(), entry->backend->name()));
}

void BackendPool::Recount(size_t** counted_in, size_t* to) {
  if (*counted_in != nullptr) --**counted_in;
  if (to != nullptr) ++*to;
  *counted_in = to;
}

void BackendPool::UpdateHealth(Entry& entry, absl::string_view what) {
  const bool unreachable = entry.failed_users > 0 && entry.connected_users == 0;
  const bool healthy = entry.mark_reason.empty() && !unreachable;
  if (healthy != entry.healthy) {
    entry.healthy = healthy;
    entry.since = absl::Now();
  } else if (healthy) {
    return;
  }
  // While it is DOWN, what keeps it so, which need not be the newest event.
  entry.reason =
      std::string(healthy                     ? what
                  : entry.mark_reason.empty() ? entry.connection_error
                                              : entry.mark_reason);
}

BackendPool::Lease::Lease(std::shared_ptr<BackendPool> pool, Entry* entry)
    : pool_(std::move(pool)), entry_(entry), backend_(entry->backend) {}

BackendPool::Lease::~Lease() { pool_->Release(entry_, &counted_in_); }

std::string BackendPool::Lease::UnusableReason() const {
  std::lock_guard<std::mutex> lock(pool_->mutex_);
  return entry_->mark_reason;
}

void BackendPool::Lease::SetEndpoint(std::shared_ptr<const Endpoint> endpoint) {
  std::lock_guard<std::mutex> lock(pool_->mutex_);
  entry_->endpoint = std::move(endpoint);
}

void BackendPool::Lease::SetConnectionFailed(std::string why) {
  std::lock_guard<std::mutex> lock(pool_->mutex_);
  Recount(&counted_in_, &entry_->failed_users);
  entry_->connection_error = std::move(why);
  UpdateHealth(*entry_, entry_->connection_error);
}

void BackendPool::Lease::SetConnected() {
  std::lock_guard<std::mutex> lock(pool_->mutex_);
  Recount(&counted_in_, &entry_->connected_users);
  UpdateHealth(*entry_, "connected");
}

std::shared_ptr<const std::atomic<uint32_t>> BackendPool::MarkedCount() {
  return std::shared_ptr<const std::atomic<uint32_t>>(shared_from_this(),
                                                      &marked_);
}

BackendPool::WatchId BackendPool::AddWatch(std::function<void()> on_change) {
  std::lock_guard<std::mutex> lock(mutex_);
  const WatchId id = next_watch_++;
  watches_[id] = std::make_shared<std::function<void()>>(std::move(on_change));
  return id;
}

void BackendPool::RemoveWatch(WatchId id) {
  Callback removed;  // What it holds may call back, too, when it goes.
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = watches_.find(id);
  if (it == watches_.end()) return;
  removed = std::move(it->second);
  watches_.erase(it);
}

}  // namespace multi_backend

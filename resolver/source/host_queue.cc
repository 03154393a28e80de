#include "multi_backend/resolver/source/host_queue.h"

#include <algorithm>

namespace multi_backend {

void HostQueue::SetDue(const std::string& host, Host& state, absl::Time due) {
  if (state.due != absl::InfiniteFuture()) due_.erase({state.due, host});
  state.due = due;
  if (due != absl::InfiniteFuture()) due_.emplace(due, host);
}

void HostQueue::Add(const std::string& host, absl::Time now) {
  const auto added = hosts_.emplace(host, Host(options_.backoff));
  if (added.second) SetDue(host, added.first->second, now);
}

void HostQueue::Remove(const std::string& host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  SetDue(host, found->second, absl::InfiniteFuture());
  if (found->second.running) --running_;
  resting_.erase(host);
  hosts_.erase(found);
}

absl::optional<std::string> HostQueue::TakeNext(absl::Time now) {
  if (next_due() > now) return absl::nullopt;
  const std::string host = due_.begin()->second;
  Host& state = hosts_.at(host);
  SetDue(host, state, absl::InfiniteFuture());
  state.running = true;
  state.started = now;
  ++running_;
  return host;
}

void HostQueue::OnAnswer(const std::string& host, bool ok, absl::Time now,
                         double unit) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end() || !found->second.running) return;
  Host& state = found->second;
  state.running = false;
  --running_;
  state.failed = !ok;
  if (ok) {
    state.backoff.Reset();
    resting_.insert(host);
  } else {
    SetDue(host, state, now + state.backoff.Next(unit));
  }
}

void HostQueue::Refresh(absl::Time now) {
  for (const std::string& host : resting_) {
    Host& state = hosts_.at(host);
    SetDue(host, state, std::max(now, state.started + options_.min_interval));
  }
  resting_.clear();
}

void HostQueue::ResetBackoff(absl::Time now) {
  for (auto& entry : hosts_) {
    Host& state = entry.second;
    if (!state.failed || state.running) continue;
    state.backoff.Reset();
    SetDue(entry.first, state, std::min(state.due, now));
  }
}

absl::Time HostQueue::next_due() const {
  if (due_.empty() || running_ >= options_.most_at_once) {
    return absl::InfiniteFuture();
  }
  return due_.begin()->first;
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/grpc/channel_backend.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "multi_backend/lb_policy/connections/sizing.h"
#include "multi_backend/lb_policy/plan/explain.h"

namespace multi_backend {
namespace {

// How long to wait before trying another additional connection to a backend
// that has refused one.  The wait costs no call: the other connections serve.
constexpr int64_t kGrowthPauseNanos = 1'000'000'000;

}  // namespace

ChannelBackend::ChannelBackend(Owner* owner, core::Address address,
                               std::shared_ptr<BackendPool::Lease> lease,
                               std::shared_ptr<const Endpoint> endpoint)
    : owner_(owner),
      address_(std::move(address)),
      lease_(std::move(lease)),
      seen_reconnect_requests_(lease_->backend()->reconnect_requests.load()) {
  SetEndpoint(std::move(endpoint));
}

void ChannelBackend::SetEndpoint(std::shared_ptr<const Endpoint> endpoint) {
  endpoint_ = std::move(endpoint);
  labels_ = nullptr;
  lease_->SetEndpoint(endpoint_);
}

PlanEntry ChannelBackend::MakePlanEntry() const {
  return PlanEntry{lease_, endpoint_, state_, error_};
}

const std::shared_ptr<const BackendLabels>& ChannelBackend::labels() {
  if (labels_ == nullptr) labels_ = LabelsOf(*lease_->backend(), *endpoint_);
  return labels_;
}

absl::InlinedVector<const BackendConnection*, 4> ChannelBackend::Ready() const {
  absl::InlinedVector<const BackendConnection*, 4> ready;
  for (const Numbered& one : connections_) {
    if (one.connection->state() == LinkState::kReady) {
      ready.push_back(one.connection.get());
    }
  }
  return ready;
}

void ChannelBackend::ResetBackoff() {
  for (const Numbered& one : connections_) one.connection->ResetBackoff();
}

void ChannelBackend::ConnectNow() {
  ResetBackoff();
  Reconnect(INT64_MAX);
}

int64_t ChannelBackend::Reconnect(int64_t now) {
  int64_t again = INT64_MAX;
  for (const Numbered& one : connections_) {
    again = std::min(again, one.connection->Reconnect(now));
  }
  return again;
}

void ChannelBackend::OnReconnectRequests() {
  const uint32_t requests = lease_->backend()->reconnect_requests.load();
  if (std::exchange(seen_reconnect_requests_, requests) == requests) return;
  if (state_ == LinkState::kFailed) ConnectNow();
}

void ChannelBackend::Open(int64_t now_nanos) {
  Numbered added;
  added.idle_since_nanos = now_nanos;
  auto taken = [this](int number) {
    return std::any_of(
        connections_.begin(), connections_.end(),
        [number](const Numbered& one) { return one.number == number; });
  };
  while (taken(added.number)) ++added.number;
  added.connection = std::make_unique<BackendConnection>(
      lease_->backend(), owner_->reconnect_backoff());
  BackendConnection& connection = *added.connection;
  const int number = added.number;
  connections_.push_back(std::move(added));
  connection.Start(this, owner_->MakeConnectionLocked(address_, number));
  // Core refused to make the subchannel, so no notification will follow.
  if (connection.state() == LinkState::kFailed) {
    RecomputeState();
  }
}

int64_t ChannelBackend::Resize(int64_t now_nanos) {
  const ConnectionPoolConfig& config = pool_config_;
  while (connections_.size() < static_cast<size_t>(config.min)) {
    Open(now_nanos);
  }
  if (config.max == 1 && connections_.size() == 1) return INT64_MAX;
  std::vector<ConnectionView> views;
  for (Numbered& one : connections_) {
    const uint32_t begun = one.connection->load()->begun();
    const int streams = one.connection->load()->streams();
    // Streams that ran since the last check may have ended only now, so the
    // idle time starts now.
    if (streams > 0 || one.busy || begun != one.begun) {
      one.idle_since_nanos = now_nanos;
    }
    one.busy = streams > 0;
    one.begun = begun;
    ConnectionView view;
    view.state = one.connection->state();
    view.streams = static_cast<uint32_t>(streams);
    view.idle_since = one.idle_since_nanos;
    views.push_back(view);
  }
  const ConnectionPlan plan = PlanConnections(views, config, now_nanos);
  for (size_t index : plan.close) {
    if (views[index].state == LinkState::kFailed) {
      grow_not_before_nanos_ = now_nanos + kGrowthPauseNanos;
    }
    connections_.erase(connections_.begin() + static_cast<ptrdiff_t>(index));
  }
  if (!plan.close.empty()) RecomputeState();
  if (plan.open && now_nanos >= grow_not_before_nanos_) Open(now_nanos);
  if (connections_.size() <= static_cast<size_t>(config.min)) return INT64_MAX;
  // No notification tells that a stream has ended, so check regularly.
  const int64_t look = absl::ToInt64Nanoseconds(config.idle_timeout) / 4;
  return std::min(plan.look_again,
                  look > INT64_MAX - now_nanos ? INT64_MAX : now_nanos + look);
}

bool ChannelBackend::MayGrow() const {
  return connections_.size() < static_cast<size_t>(pool_config_.max) &&
         Ready().size() == connections_.size();
}

bool ChannelBackend::ExpectsConnection() const {
  absl::InlinedVector<ConnectionView, 4> views;
  for (const Numbered& one : connections_) {
    views.emplace_back();
    views.back().state = one.connection->state();
  }
  return multi_backend::ExpectsConnection(
      views, pool_config_, owner_->NowNanos() >= grow_not_before_nanos_);
}

// The backend is READY if a connection is, and failed once all connections are.
// It then stays failed until one is READY again.
void ChannelBackend::RecomputeState() {
  const LinkState before = state_;
  state_ = LinkState::kFailed;
  for (const Numbered& one : connections_) {
    const BackendConnection& connection = *one.connection;
    if (!connection.error().empty()) error_ = connection.error();
    if (connection.state() == LinkState::kReady) {
      state_ = LinkState::kReady;
      error_.clear();
      break;
    }
    if (connection.state() == LinkState::kConnecting &&
        before != LinkState::kFailed) {
      state_ = LinkState::kConnecting;
    }
  }
  lease_->SetLinkState(state_, state_ == LinkState::kFailed ? error_ : "");
  // Coming back after a loss or a failure restarts the time for which the
  // backend has been usable.  Its first connection does not: until then it
  // counts as always usable.
  const bool first = before == LinkState::kConnecting && !was_ready_;
  was_ready_ |= state_ == LinkState::kReady;
  if (before != LinkState::kReady && state_ == LinkState::kReady && !first) {
    lease_->backend()->load.usable_since_nanos.store(owner_->NowNanos(),
                                                     std::memory_order_relaxed);
  }
}

void ChannelBackend::OnConnectionStateLocked(bool failed, bool lost) {
  const LinkState before = state_;
  RecomputeState();
  if (lost) owner_->OnConnectionLostLocked();
  // With several connections, the set of READY ones may have changed.
  if (state_ != before || failed || connections_.size() > 1) {
    owner_->OnConnectionChangeLocked(state_ == LinkState::kReady &&
                                     before != LinkState::kReady);
  }
}

grpc_pollset_set* ChannelBackend::InterestedParties() {
  return owner_->InterestedParties();
}

grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>
ChannelBackend::KeepAlive() {
  return owner_->KeepAlive();
}

}  // namespace multi_backend

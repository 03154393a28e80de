#include "multi_backend/lb_policy/grpc/backend_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace multi_backend {

// If the watch is cancelled while a notification is on its way, the watcher
// outlives its connection.  Detach() makes it ignore that notification.
class BackendConnection::Watcher final
    : public grpc_core::SubchannelInterface::ConnectivityStateWatcherInterface {
 public:
  explicit Watcher(BackendConnection* connection)
      : connection_(connection),
        interested_parties_(connection->owner_->InterestedParties()),
        owner_ref_(connection->owner_->KeepAlive()) {}

  void Detach() { connection_ = nullptr; }

  void OnConnectivityStateChange(grpc_connectivity_state new_state,
                                 absl::Status status) override {
    if (connection_ != nullptr) connection_->OnStateLocked(new_state, status);
  }
  grpc_pollset_set* interested_parties() override {
    return interested_parties_;
  }

 private:
  BackendConnection* connection_;
  grpc_pollset_set* const interested_parties_;
  const grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> owner_ref_;
};

ReconnectBackoff BackendConnection::BackoffOf(
    const grpc_core::ChannelArgs& args) {
  // Core's own lower bound.
  static constexpr int kMinMillis = 100;
  ReconnectBackoff backoff;
  const auto read = [&args](const char* name, absl::Duration* wait) {
    const absl::optional<int> set = args.GetInt(name);
    if (set.has_value()) {
      *wait = absl::Milliseconds(std::max(*set, kMinMillis));
    }
  };
  read(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, &backoff.initial);
  read(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, &backoff.max);
  return backoff;
}

BackendConnection::~BackendConnection() {
  load_->RemoveOwner();
  if (watcher_ == nullptr) return;
  watcher_->Detach();
  subchannel_->CancelConnectivityStateWatch(watcher_);
  // With a health watch, CONNECTING may mean that the server has not answered
  // the watch, which it may never do.
  if (connecting_ && !owner_->WatchesHealth()) {
    core::ReleaseConnecting(std::move(subchannel_), owner_->InterestedParties(),
                            owner_->KeepAlive());
  }
}

void BackendConnection::Start(Owner* owner, Subchannel subchannel) {
  owner_ = owner;
  if (subchannel == nullptr) {
    state_ = LinkState::kFailed;
    error_ = "gRPC refused to make a subchannel (see its log)";
    return;
  }
  subchannel_ = std::move(subchannel);
  auto watcher = std::make_unique<Watcher>(this);
  watcher_ = watcher.get();
  subchannel_->WatchConnectivityState(std::move(watcher));
}

void BackendConnection::OnStateLocked(grpc_connectivity_state state,
                                      const absl::Status& status) {
  const LinkState before = state_;
  // A loss requests a new resolution.  The first notification must not count as
  // a loss, or each resolution would cause another.
  const bool lost =
      std::exchange(seen_state_, true) &&
      (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_TRANSIENT_FAILURE);
  connecting_ = state == GRPC_CHANNEL_CONNECTING;
  if (state != GRPC_CHANNEL_IDLE) reconnect_at_ = INT64_MAX;
  switch (state) {
    case GRPC_CHANNEL_READY:
      pace_.OnReady(owner_->NowNanos());
      load_->OnConnected();
      state_ = LinkState::kReady;
      error_.clear();
      break;
    case GRPC_CHANNEL_IDLE:
      OnIdleLocked();
      break;
    case GRPC_CHANNEL_CONNECTING:
      if (before == LinkState::kReady) state_ = LinkState::kConnecting;
      break;
    case GRPC_CHANNEL_TRANSIENT_FAILURE:
      state_ = LinkState::kFailed;
      error_ = std::string(status.message());
      break;
    case GRPC_CHANNEL_SHUTDOWN:
      return;
  }
  owner_->OnConnectionStateLocked(
      /*failed=*/state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
          reconnect_at_ != INT64_MAX,
      lost);
}

void BackendConnection::OnIdleLocked() {
  absl::Duration wait;
  if (state_ == LinkState::kReady) {
    const int64_t now = owner_->NowNanos();
    wait = pace_.OnEnd(now, load_->answered(), owner_->Uniform());
    reconnect_at_ = now + absl::ToInt64Nanoseconds(wait);
  }
  if (wait == absl::ZeroDuration()) {
    reconnect_at_ = INT64_MAX;
    if (state_ == LinkState::kReady) state_ = LinkState::kConnecting;
    Connect();
    return;
  }
  state_ = LinkState::kFailed;
  error_ = absl::StrCat(
      "the last ", pace_.fruitless(),
      " connections ended at once, before a call was "
      "answered; the next attempt is in ",
      absl::FormatDuration(absl::Trunc(wait, absl::Milliseconds(1))));
  owner_->ReconnectAtLocked(reconnect_at_);
}

int64_t BackendConnection::Reconnect(int64_t now) {
  if (reconnect_at_ != INT64_MAX && reconnect_at_ <= now) {
    reconnect_at_ = INT64_MAX;
    Connect();
  }
  return reconnect_at_;
}

void BackendConnection::Connect() {
  connecting_ = true;
  subchannel_->RequestConnection();
}

}  // namespace multi_backend

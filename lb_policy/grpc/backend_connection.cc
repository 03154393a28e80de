#include "multi_backend/lb_policy/grpc/backend_connection.h"

#include <utility>

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

BackendConnection::~BackendConnection() {
  load_->Unref();
  if (watcher_ == nullptr) return;
  watcher_->Detach();
  subchannel_->CancelConnectivityStateWatch(watcher_);
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
  switch (state) {
    case GRPC_CHANNEL_READY:
      state_ = LinkState::kReady;
      error_.clear();
      break;
    case GRPC_CHANNEL_IDLE:
      subchannel_->RequestConnection();
      if (before == LinkState::kReady) state_ = LinkState::kConnecting;
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
      /*failed=*/state == GRPC_CHANNEL_TRANSIENT_FAILURE, lost);
}

}  // namespace multi_backend

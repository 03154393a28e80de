#include "multi_backend/lb_policy/grpc/backend_slot.h"

#include <utility>

#include "multi_backend/lb_policy/steady_clock.h"

namespace multi_backend {

// Outlives its slot for a moment when the watch is cancelled while a
// notification is on its way; Detach() silences it.
class BackendSlot::Watcher final
    : public grpc_core::SubchannelInterface::ConnectivityStateWatcherInterface {
 public:
  explicit Watcher(BackendSlot* slot)
      : slot_(slot),
        interested_parties_(slot->owner_->InterestedParties()),
        owner_ref_(slot->owner_->KeepAlive()) {}

  void Detach() { slot_ = nullptr; }

  void OnConnectivityStateChange(grpc_connectivity_state new_state,
                                 absl::Status status) override {
    if (slot_ != nullptr) slot_->OnStateLocked(new_state, status);
  }
  grpc_pollset_set* interested_parties() override {
    return interested_parties_;
  }

 private:
  BackendSlot* slot_;
  grpc_pollset_set* const interested_parties_;
  const std::shared_ptr<void> owner_ref_;
};

BackendSlot::BackendSlot(Owner* owner, grpc_core::ServerAddress address,
                         std::shared_ptr<BackendPool::Lease> lease,
                         std::shared_ptr<const Endpoint> endpoint)
    : owner_(owner), address_(std::move(address)), lease_(std::move(lease)) {
  SetEndpoint(std::move(endpoint));
}

BackendSlot::~BackendSlot() {
  if (watcher_ == nullptr) return;
  watcher_->Detach();
  subchannel_->CancelConnectivityStateWatch(watcher_);
}

void BackendSlot::Start(
    grpc_core::RefCountedPtr<grpc_core::SubchannelInterface> subchannel) {
  if (subchannel == nullptr) {
    connection_ = Connection::kFailed;
    error_ = "gRPC refused to make a subchannel (see its log)";
    lease_->SetConnectionFailed(error_);
    return;
  }
  subchannel_ = std::move(subchannel);
  auto watcher = std::make_unique<Watcher>(this);
  watcher_ = watcher.get();
  subchannel_->WatchConnectivityState(std::move(watcher));
}

void BackendSlot::SetEndpoint(std::shared_ptr<const Endpoint> endpoint) {
  endpoint_ = std::move(endpoint);
  lease_->SetEndpoint(endpoint_);
}

PlanEntry BackendSlot::MakePlanEntry() const {
  return PlanEntry{lease_, endpoint_, connection_, error_};
}

grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>
BackendSlot::ReadySubchannel() const {
  if (connection_ != Connection::kReady) return nullptr;
  return subchannel_;
}

void BackendSlot::ResetBackoff() {
  if (subchannel_ != nullptr) subchannel_->ResetBackoff();
}

void BackendSlot::OnStateLocked(grpc_connectivity_state state,
                                const absl::Status& status) {
  const Connection before = connection_;
  const bool first = !std::exchange(seen_state_, true);
  switch (state) {
    case GRPC_CHANNEL_READY:
      connection_ = Connection::kReady;
      error_.clear();
      lease_->SetConnected();
      // One that has failed before begins a new time of being usable.
      if (before == Connection::kFailed) {
        lease_->backend()->load.usable_since_nanos.store(
            SteadyClock::Get().NowNanos(), std::memory_order_relaxed);
      }
      break;
    case GRPC_CHANNEL_IDLE:
      subchannel_->RequestConnection();
      // A failed backend stays failed until it is READY again (as in gRPC's own
      // policies), so that calls are not held up by hopeless attempts.
      if (before == Connection::kReady) connection_ = Connection::kConnecting;
      break;
    case GRPC_CHANNEL_CONNECTING:
      if (before == Connection::kReady) connection_ = Connection::kConnecting;
      break;
    case GRPC_CHANNEL_TRANSIENT_FAILURE:
      connection_ = Connection::kFailed;
      error_ = std::string(status.message());
      lease_->SetConnectionFailed(error_);
      break;
    case GRPC_CHANNEL_SHUTDOWN:
      return;
  }
  // Not on the first notification, or resolving would never end.
  if (!first &&
      (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_TRANSIENT_FAILURE)) {
    owner_->OnConnectionLostLocked();
  }
  if (connection_ != before || state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    owner_->OnConnectionChangeLocked(connection_ == Connection::kReady);
  }
}

}  // namespace multi_backend

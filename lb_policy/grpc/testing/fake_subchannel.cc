#include "multi_backend/lb_policy/grpc/testing/fake_subchannel.h"

#include <utility>

#include "gtest/gtest.h"

namespace multi_backend {

FakeSubchannel::FakeSubchannel(
    Owner* owner, std::shared_ptr<grpc_core::WorkSerializer> serializer,
    std::string address, grpc_core::ChannelArgs args)
    : owner_(owner),
      serializer_(std::move(serializer)),
      address_(std::move(address)),
      args_(std::move(args)) {}

FakeSubchannel::~FakeSubchannel() { owner_->OnDestroyed(this); }

void FakeSubchannel::BeginConnecting() {
  GoTo(GRPC_CHANNEL_CONNECTING, absl::OkStatus(), GRPC_CHANNEL_IDLE);
}

void FakeSubchannel::BecomeReady() {
  GoTo(GRPC_CHANNEL_READY, absl::OkStatus(), GRPC_CHANNEL_CONNECTING);
}

void FakeSubchannel::FailToConnect(absl::Status why) {
  if (why.ok()) ADD_FAILURE() << "a connection fails with an error";
  GoTo(GRPC_CHANNEL_TRANSIENT_FAILURE, std::move(why), GRPC_CHANNEL_CONNECTING);
}

void FakeSubchannel::LoseConnection() {
  GoTo(GRPC_CHANNEL_IDLE, absl::OkStatus(), GRPC_CHANNEL_READY);
}

void FakeSubchannel::EndBackoff() {
  GoTo(GRPC_CHANNEL_IDLE, absl::OkStatus(), GRPC_CHANNEL_TRANSIENT_FAILURE);
}

void FakeSubchannel::StartIn(grpc_connectivity_state state) {
  if (watched()) ADD_FAILURE() << address_ << " is watched already";
  state_ = state;
  if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    why_ = absl::UnavailableError("failed before");
  }
}

void FakeSubchannel::GoTo(grpc_connectivity_state state, absl::Status why,
                          grpc_connectivity_state required) {
  if (state_ != required) {
    ADD_FAILURE() << address_ << ": core makes no subchannel go from "
                  << grpc_core::ConnectivityStateName(state_) << " to "
                  << grpc_core::ConnectivityStateName(state);
    return;
  }
  state_ = state;
  why_ = std::move(why);
  if (watched()) NotifyWatch();
}

void FakeSubchannel::NotifyWatch() {
  owner_->Notify([watch = watch_, state = state_, why = why_]() {
    watch->watcher->OnConnectivityStateChange(state, why);
  });
}

void FakeSubchannel::CheckCall(const char* what) {
  ExpectInSerializer(*serializer_, what);
  if (owner_->policy_is_shut_down()) {
    ADD_FAILURE() << what << " was called after the policy's shutdown";
  }
}

void FakeSubchannel::WatchConnectivityState(
    std::unique_ptr<ConnectivityStateWatcherInterface> watcher) {
  CheckCall("WatchConnectivityState()");
  if (watched()) {
    ADD_FAILURE() << address_ << " is watched twice";
    return;
  }
  watch_ = std::make_shared<Watch>();
  watch_->interested_parties = watcher->interested_parties();
  watch_->watcher = std::move(watcher);
  watch_->subchannel = Ref();
  NotifyWatch();
}

void FakeSubchannel::CancelConnectivityStateWatch(
    ConnectivityStateWatcherInterface* watcher) {
  // What core::ReleaseConnecting() keeps outlives the policy's shutdown.
  if (released_) {
    ExpectInSerializer(*serializer_, "CancelConnectivityStateWatch()");
  } else {
    CheckCall("CancelConnectivityStateWatch()");
  }
  if (!watched() || watch_->watcher.get() != watcher) {
    ADD_FAILURE() << address_ << ": a watch is cancelled that is not there";
    return;
  }
  // Core calls this again to remove its own pollsets.
  if (watcher->interested_parties() != watch_->interested_parties) {
    ADD_FAILURE() << address_ << ": a watch changed its interested parties";
  }
  // As in core, the watch and its reference to the subchannel live until the
  // serializer has run this callback.
  owner_->Notify([watch = std::move(watch_)]() {});
  watch_ = nullptr;
  released_ = true;
}

void FakeSubchannel::RequestConnection() {
  CheckCall("RequestConnection()");
  ++connection_requests_;
  if (state_ == GRPC_CHANNEL_IDLE) BeginConnecting();
}

void FakeSubchannel::ResetBackoff() {
  CheckCall("ResetBackoff()");
  ++backoff_resets_;
  if (state_ == GRPC_CHANNEL_TRANSIENT_FAILURE) EndBackoff();
}

void FakeSubchannel::AddDataWatcher(std::unique_ptr<DataWatcherInterface>) {
  ADD_FAILURE() << "the policy watches no data";
}

}  // namespace multi_backend

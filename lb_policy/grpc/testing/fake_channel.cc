#include "multi_backend/lb_policy/grpc/testing/fake_channel.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"

namespace multi_backend {

class FakeChannel::Control final : public core::FakeHelper {
 public:
  explicit Control(FakeChannel* channel) : channel_(*channel) {}

  core::Subchannel MakeSubchannel(const core::Address& address,
                                  const grpc_core::ChannelArgs& args) override {
    channel_.CheckCall("CreateSubchannel()");
    if (channel_.refuse_subchannels_) return nullptr;
    FakeSubchannel::Owner* const owner = &channel_;
    auto subchannel = grpc_core::MakeRefCounted<FakeSubchannel>(
        owner, channel_.serializer_, AddressText(address.address()),
        args.UnionWith(address.args()));
    subchannel->StartIn(channel_.first_state_);
    if (!channel_.Watched(subchannel->address()).empty()) {
      ++channel_.made_beside_another_;
    }
    channel_.subchannels_[subchannel.get()] = ++channel_.subchannels_made_;
    return subchannel;
  }
  void Update(grpc_connectivity_state state, const absl::Status& status,
              core::PickerPtr picker) override {
    channel_.UpdateState(state, status, std::move(picker));
  }
  void RequestReresolution() override {
    channel_.CheckCall("RequestReresolution()");
    ++channel_.reresolutions_;
  }
  absl::string_view GetAuthority() override {
    channel_.CheckCall("GetAuthority()");
    return "channel.example";
  }
  VirtualTime::EventEngine* GetEventEngine() override {
    channel_.CheckCall("GetEventEngine()");
    return channel_.time_->engine();
  }
  void OnTrace(absl::string_view message) override {
    channel_.CheckCall("AddTraceEvent()");
    channel_.traces_.emplace_back(message);
  }

 private:
  FakeChannel& channel_;
};

FakeChannel::FakeChannel(VirtualTime* time)
    : time_(time), serializer_(core::MakeSerializer(time->ForSerializer())) {}

FakeChannel::~FakeChannel() { ExpectNothingLeft(); }

void FakeChannel::EndReleasedAttempts() {
  // An attempt that ends may destroy its subchannel.
  const absl::flat_hash_map<FakeSubchannel*, uint64_t> living = subchannels_;
  for (const auto& one : living) {
    if (one.first->released() &&
        one.first->state() == GRPC_CHANNEL_CONNECTING) {
      one.first->FailToConnect(absl::UnavailableError("core's deadline"));
    }
  }
}

void FakeChannel::ExpectNothingLeft() {
  time_->RunInCore([this]() {
    picker_ = nullptr;
    EndReleasedAttempts();
  });
  for (const auto& left : subchannels_) {
    ADD_FAILURE() << "the policy has left " << left.first->address()
                  << " behind" << (left.first->watched() ? ", watched" : "");
  }
}

std::unique_ptr<FakeChannel::Policy::ChannelControlHelper>
FakeChannel::MakeControl() {
  return std::make_unique<Control>(this);
}

void FakeChannel::OnPolicyShutDown() {
  phase_ = Phase::kShutDown;
  picker_ = nullptr;
  if (time_->RemovePolicy() == 0 && time_->engine_timers() != 0) {
    ADD_FAILURE() << "the policy has left a timer behind";
  }
}

void FakeChannel::CheckCall(const char* what) {
  if (phase_ == Phase::kBeingMade) {
    ADD_FAILURE() << what << " was called by the policy's constructor";
    return;
  }
  if (phase_ == Phase::kShutDown) {
    ADD_FAILURE() << what << " was called after the policy's shutdown";
  }
  ExpectInSerializer(*serializer_, what);
}

void FakeChannel::UpdateState(grpc_connectivity_state state,
                              const absl::Status& status,
                              core::PickerPtr picker) {
  CheckCall("UpdateState()");
  if (picking_) ADD_FAILURE() << "UpdateState() was called by a pick";
  const char* const name = grpc_core::ConnectivityStateName(state);
  if (state == GRPC_CHANNEL_SHUTDOWN || picker == nullptr) {
    ADD_FAILURE() << "UpdateState(" << name << ")"
                  << (picker == nullptr ? " without a picker" : "");
    return;
  }
  if (status.ok() != (state != GRPC_CHANNEL_TRANSIENT_FAILURE)) {
    ADD_FAILURE() << "UpdateState(" << name << ") with the status " << status;
  }
  state_ = state;
  status_ = status;
  if (state == GRPC_CHANNEL_READY && made_before_ready_ == 0) {
    made_before_ready_ = subchannels_made_;
  }
  updates_.emplace_back(name);
  picker_.swap(picker);
  Repick();
}

// Core's list of queued calls is last in, first out.  A call that picks here
// must not end up in the list twice.
void FakeChannel::Repick() {
  const std::vector<FakeCall*> waiting = std::exchange(queued_, {});
  std::vector<FakeCall*> still_waiting;
  for (auto it = waiting.rbegin(); it != waiting.rend(); ++it) {
    if (!PickNow(*it)) still_waiting.push_back(*it);
  }
  queued_.insert(queued_.begin(), still_waiting.rbegin(), still_waiting.rend());
}

void FakeChannel::Pick(FakeCall* call) {
  if (picker_ == nullptr) {
    ADD_FAILURE() << "a call picks before there is a picker";
    return;
  }
  if (!PickNow(call)) queued_.push_back(call);
}

bool FakeChannel::PickNow(FakeCall* call) {
  picking_ = true;
  const bool done = call->PickFrom(picker_.get());
  picking_ = false;
  return done;
}

void FakeChannel::Forget(FakeCall* call) {
  queued_.erase(std::remove(queued_.begin(), queued_.end(), call),
                queued_.end());
}

void FakeChannel::Notify(std::function<void()> notification) {
  if (hold_notifications_) {
    held_notifications_.push_back(std::move(notification));
  } else {
    serializer_->Run(std::move(notification), DEBUG_LOCATION);
  }
}

void FakeChannel::ReleaseNotifications() {
  hold_notifications_ = false;
  time_->RunInCore([this]() {
    for (auto& notification : std::exchange(held_notifications_, {})) {
      serializer_->Run(std::move(notification), DEBUG_LOCATION);
    }
  });
}

void FakeChannel::OnDestroyed(FakeSubchannel* subchannel) {
  subchannels_.erase(subchannel);
}

std::string FakeChannel::TakeUpdates() {
  return absl::StrJoin(std::exchange(updates_, {}), " ");
}

int FakeChannel::TakeReresolutions() {
  return std::exchange(reresolutions_, 0);
}

std::vector<std::string> FakeChannel::TakeTraces() {
  return std::exchange(traces_, {});
}

size_t FakeChannel::kept() const {
  return static_cast<size_t>(std::count_if(
      subchannels_.begin(), subchannels_.end(), [](const auto& one) {
        return one.first->released() && one.first->watched();
      }));
}

std::vector<FakeSubchannel*> FakeChannel::Watched(
    absl::string_view address) const {
  std::vector<FakeSubchannel*> watched;
  for (const auto& one : subchannels_) {
    if (one.first->watched() && !one.first->released() &&
        one.first->address() == address) {
      watched.push_back(one.first);
    }
  }
  std::sort(watched.begin(), watched.end(),
            [this](FakeSubchannel* a, FakeSubchannel* b) {
              return subchannels_.at(a) < subchannels_.at(b);
            });
  return watched;
}

}  // namespace multi_backend

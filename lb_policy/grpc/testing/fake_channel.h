// FakeChannel: the channel of a policy under test.  It serves the policy's
// requests and lets calls pick.
//
// It enforces the rules of LoadBalancingPolicy::ChannelControlHelper.  The test
// fails at once if the policy
//   - calls anything from its constructor, outside the work serializer, or
//     after its shutdown,
//   - publishes a picker from within a pick (core would wait for itself),
//   - reports SHUTDOWN, a state without a picker, TRANSIENT_FAILURE with an OK
//     status or another state with an error.
//
// A new picker makes all queued calls pick again, the newest first, as in core
// 1.51.  Core 1.83 keeps no order.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CHANNEL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CHANNEL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/grpc/testing/fake_call.h"
#include "multi_backend/lb_policy/grpc/testing/fake_subchannel.h"
#include "multi_backend/lb_policy/grpc/testing/serializer_check.h"
#include "multi_backend/lb_policy/grpc/testing/virtual_time.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {

class FakeChannel final : private FakeSubchannel::Owner {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;

  explicit FakeChannel(VirtualTime* time);
  ~FakeChannel() override;

  const std::shared_ptr<grpc_core::WorkSerializer>& serializer() const {
    return serializer_;
  }
  // Returns the helper for the policy.  Call it once.
  std::unique_ptr<Policy::ChannelControlHelper> MakeControl();
  // Says that the policy's constructor has returned.
  void OnPolicyMade() {
    phase_ = Phase::kAlive;
    time_->AddPolicy();
  }
  // Drops the picker, as core does with the policy.  Fails the test if this was
  // the last policy that uses the time, and a timer is left.
  void OnPolicyShutDown();
  // Fails the test if a subchannel is left.  Call it when the policy, its
  // pickers and the calls are gone; the destructor calls it too.
  void ExpectNothingLeft();

  // Sets the first state of new subchannels.  It is not IDLE if another channel
  // has made the connection.
  void set_first_state(grpc_connectivity_state state) { first_state_ = state; }
  // While set, CreateSubchannel() returns null, as core does for an address or
  // credentials that it cannot use.
  void set_refuse_subchannels(bool refuse) { refuse_subchannels_ = refuse; }
  // Holds back the policy's notifications about its subchannels.  Picks see the
  // new states at once.
  void HoldNotifications() { hold_notifications_ = true; }
  void ReleaseNotifications();

  // Each of these three returns what has happened since its last call.  States
  // are words: "CONNECTING READY".
  std::string TakeUpdates();
  int TakeReresolutions();
  std::vector<std::string> TakeTraces();

  grpc_connectivity_state state() const { return state_; }
  const absl::Status& status() const { return status_; }
  // How many subchannels the policy had made when it first reported READY.
  uint64_t made_before_ready() const { return made_before_ready_; }
  uint64_t subchannels_made() const { return subchannels_made_; }
  // How many of them were made while the policy watched another one to the same
  // address, so that core would have shared its connection.
  uint64_t made_beside_another() const { return made_beside_another_; }
  Policy::SubchannelPicker* picker() const { return picker_.get(); }
  // Returns the subchannels that the policy has and watches, the oldest first.
  std::vector<FakeSubchannel*> Watched(absl::string_view address) const;
  // The number of subchannels that core::ReleaseConnecting() keeps.
  size_t kept() const;

  // Lets `call` pick.  It stays queued here until it is sent or ends.
  void Pick(FakeCall* call);
  void Forget(FakeCall* call);

 private:
  class Control;
  enum class Phase { kBeingMade, kAlive, kShutDown };

  // FakeSubchannel::Owner:
  void Notify(std::function<void()> notification) override;
  bool policy_is_shut_down() const override {
    return phase_ == Phase::kShutDown;
  }
  void OnDestroyed(FakeSubchannel* subchannel) override;

  void CheckCall(const char* what);
  // Ends the attempts to connect that the policy has given up.  Core ends each
  // of them at its deadline.
  void EndReleasedAttempts();
  void UpdateState(grpc_connectivity_state state, const absl::Status& status,
                   core::PickerPtr picker);
  void Repick();
  // Returns false if the call has to wait.
  bool PickNow(FakeCall* call);

  VirtualTime* const time_;
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  Phase phase_ = Phase::kBeingMade;
  grpc_connectivity_state first_state_ = GRPC_CHANNEL_IDLE;
  bool refuse_subchannels_ = false;
  bool hold_notifications_ = false;
  bool picking_ = false;
  std::vector<std::function<void()>> held_notifications_;
  // The living subchannels, each with its number in order of creation.
  absl::flat_hash_map<FakeSubchannel*, uint64_t> subchannels_;
  uint64_t subchannels_made_ = 0;
  uint64_t made_before_ready_ = 0;
  uint64_t made_beside_another_ = 0;
  std::vector<FakeCall*> queued_;  // The newest last.

  grpc_connectivity_state state_ = GRPC_CHANNEL_IDLE;
  absl::Status status_;
  core::PickerPtr picker_;
  std::vector<std::string> updates_;
  int reresolutions_ = 0;
  std::vector<std::string> traces_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_CHANNEL_H_

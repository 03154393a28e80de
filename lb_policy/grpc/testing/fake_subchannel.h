// FakeSubchannel: a subchannel that a policy under test has made, and whose
// state the test sets.
//
// It enforces the rules that client_channel.cc and subchannel.cc of gRPC 1.51
// follow or assert.  The test can make only the transitions that core makes,
// and it fails at once if the policy
//   - calls outside the work serializer, or after its shutdown,
//   - watches twice, or cancels a watch that is not there,
//   - drops the subchannel while it watches it.
//
// As in core, RequestConnection() starts to connect an IDLE subchannel and does
// nothing in any other state, and ResetBackoff() ends a TRANSIENT_FAILURE at
// once.  Notifications go through the work serializer, so one may still reach a
// watcher that has just been cancelled.
//
// Threads: the test's only.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "multi_backend/lb_policy/grpc/testing/serializer_check.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {

class FakeSubchannel final : public core::FakeSubchannelBase {
 public:
  // The interface of the channel to its subchannels.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Notifies the policy, now or when the test says so.
    virtual void Notify(std::function<void()> notification) = 0;
    virtual bool policy_is_shut_down() const = 0;
    virtual void OnDestroyed(FakeSubchannel* subchannel) = 0;
  };

  FakeSubchannel(Owner* owner,
                 std::shared_ptr<grpc_core::WorkSerializer> serializer,
                 std::string address, grpc_core::ChannelArgs args);
  ~FakeSubchannel() override;

  // --- For the test ----------------------------------------------------------

  std::string address() const { return address_; }
  // The channel's args together with those of the address.
  const grpc_core::ChannelArgs& args() const { return args_; }
  grpc_connectivity_state state() const { return state_; }
  bool watched() const { return watch_ != nullptr; }
  // Whether the policy has cancelled its watch.  If core::ReleaseConnecting()
  // keeps the subchannel, watched() still holds.
  bool released() const { return released_; }
  int connection_requests() const { return connection_requests_; }
  int backoff_resets() const { return backoff_resets_; }

  // The transitions of core's subchannels, each with the state that it
  // requires.  They may be called inside or outside the work serializer.
  void BeginConnecting();                // IDLE: another channel connects it.
  void BecomeReady();                    // CONNECTING.
  void FailToConnect(absl::Status why);  // CONNECTING.
  void LoseConnection();                 // READY.
  void EndBackoff();                     // TRANSIENT_FAILURE.
  // Sets the state of a connection that another channel has made.  Call it
  // before the first watch.
  void StartIn(grpc_connectivity_state state);

  // --- For the policy --------------------------------------------------------

  void WatchConnectivityState(
      std::unique_ptr<ConnectivityStateWatcherInterface> watcher) override;
  void CancelConnectivityStateWatch(
      ConnectivityStateWatcherInterface* watcher) override;
  void RequestConnection() override;
  void ResetBackoff() override;
  void AddDataWatcher(std::unique_ptr<DataWatcherInterface> watcher) override;

 private:
  // Lives, and keeps the subchannel alive, until its last notification has run.
  struct Watch {
    std::unique_ptr<ConnectivityStateWatcherInterface> watcher;
    grpc_pollset_set* interested_parties;
    grpc_core::RefCountedPtr<SubchannelInterface> subchannel;
  };

  void CheckCall(const char* what);
  void GoTo(grpc_connectivity_state state, absl::Status why,
            grpc_connectivity_state required);
  void NotifyWatch();

  Owner* const owner_;
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  const std::string address_;
  const grpc_core::ChannelArgs args_;
  grpc_connectivity_state state_ = GRPC_CHANNEL_IDLE;
  absl::Status why_;  // The error in TRANSIENT_FAILURE.
  std::shared_ptr<Watch> watch_;
  bool released_ = false;
  int connection_requests_ = 0;
  int backoff_resets_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_

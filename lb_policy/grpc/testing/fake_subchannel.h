// FakeSubchannel: a connection that a policy under test has asked for, whose
// state the test decides.
//
// Strict, as gRPC 1.51's client_channel.cc and subchannel.cc are or assert to
// be: the test can only make the transitions that core makes, and the test
// fails at once when the policy
//   - calls outside of the work serializer, or after its shutdown,
//   - watches twice, or cancels a watch that is not there,
//   - drops the subchannel while it watches it.
//
// As in core, RequestConnection() on an IDLE one begins to connect it and does
// nothing otherwise; ResetBackoff() ends a TRANSIENT_FAILURE at once; news
// travels through the work serializer, so a watch that has just been cancelled
// may still be told.
//
// Threads: one.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "multi_backend/lb_policy/grpc/testing/serializer_check.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class FakeSubchannel final : public grpc_core::SubchannelInterface {
 public:
  // What a subchannel needs of its channel.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Brings news to the policy, now or when the test says so.
    virtual void Tell(std::function<void()> news) = 0;
    virtual bool policy_is_shut_down() const = 0;
    virtual void OnDestroyed(FakeSubchannel* subchannel) = 0;
  };

  FakeSubchannel(Owner* owner,
                 std::shared_ptr<grpc_core::WorkSerializer> serializer,
                 std::string address, grpc_core::ChannelArgs args);
  ~FakeSubchannel() override;

  // --- For the test ----------------------------------------------------------

  const std::string& address() const { return address_; }
  // The channel's args and the address's own.
  const grpc_core::ChannelArgs& args() const { return args_; }
  grpc_connectivity_state state() const { return state_; }
  bool watched() const { return watch_ != nullptr; }
  int connection_requests() const { return connection_requests_; }
  int backoff_resets() const { return backoff_resets_; }

  // The transitions of core's subchannels.  In the work serializer or not.
  void BeginConnecting();  // IDLE: another channel has asked for it.
  void BecomeReady();      // CONNECTING.
  void FailToConnect(absl::Status why);  // CONNECTING.
  void LoseConnection();                 // READY.
  void EndBackoff();                     // TRANSIENT_FAILURE.
  // Before the first watch: a connection that another channel has made.
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
  // Alive, with the subchannel, until the last news has been told.
  struct Watch {
    std::unique_ptr<ConnectivityStateWatcherInterface> watcher;
    grpc_pollset_set* interested_parties;
    grpc_core::RefCountedPtr<SubchannelInterface> subchannel;
  };

  void CheckCall(const char* what);
  void GoTo(grpc_connectivity_state state, absl::Status why,
            grpc_connectivity_state required);
  void TellWatch();

  Owner* const owner_;
  const SerializerCheck in_serializer_;
  const std::string address_;
  const grpc_core::ChannelArgs args_;
  grpc_connectivity_state state_ = GRPC_CHANNEL_IDLE;
  absl::Status why_;  // With TRANSIENT_FAILURE.
  std::shared_ptr<Watch> watch_;
  int connection_requests_ = 0;
  int backoff_resets_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_FAKE_SUBCHANNEL_H_

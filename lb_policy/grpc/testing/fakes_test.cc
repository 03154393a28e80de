// Tests that each illegal use of a fake fails the test at once.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {
namespace {

using Policy = grpc_core::LoadBalancingPolicy;
using Control = Policy::ChannelControlHelper;

class SilentWatcher final
    : public FakeSubchannel::ConnectivityStateWatcherInterface {
 public:
  void OnConnectivityStateChange(grpc_connectivity_state,
                                 absl::Status) override {}
  grpc_pollset_set* interested_parties() override { return nullptr; }
};

// A channel without a policy.  The test calls what a policy would call.
class Fakes {
 public:
  Fakes() : channel_(&time_), control_(channel_.MakeControl()) {
    channel_.OnPolicyMade();
  }
  ~Fakes() {
    InSerializer([this] { subchannel_.reset(); });
  }

  void InSerializer(const std::function<void()>& fn) {
    time_.RunInCore(
        [&] { channel_.serializer()->Run([&] { fn(); }, DEBUG_LOCATION); });
  }
  void MakeSubchannel() {
    InSerializer([this] {
      subchannel_ = control_->CreateSubchannel(
          PolicyDriver::Endpoints({"10.0.0.1:80"})[0],
          grpc_core::ChannelArgs());
    });
  }
  FakeSubchannel::ConnectivityStateWatcherInterface* Watch() {
    auto watcher = std::make_unique<SilentWatcher>();
    auto* const raw = watcher.get();
    InSerializer(
        [&] { subchannel_->WatchConnectivityState(std::move(watcher)); });
    return raw;
  }
  void Cancel(FakeSubchannel::ConnectivityStateWatcherInterface* watcher) {
    InSerializer([&] { subchannel_->CancelConnectivityStateWatch(watcher); });
  }

  FakeChannel& channel() { return channel_; }
  Control& control() { return *control_; }
  VirtualTime& time() { return time_; }
  FakeSubchannel& subchannel() {
    return static_cast<FakeSubchannel&>(*subchannel_);
  }
  void DropSubchannel() {
    InSerializer([this] { subchannel_.reset(); });
  }

 private:
  VirtualTime time_;
  FakeChannel channel_;
  const std::unique_ptr<Control> control_;
  grpc_core::RefCountedPtr<grpc_core::SubchannelInterface> subchannel_;
};

std::unique_ptr<Policy::SubchannelPicker> AnyPicker() {
  return std::make_unique<Policy::TransientFailurePicker>(
      absl::UnavailableError("any"));
}

class FakesTest : public ::testing::Test {
 protected:
  FakesTest() { grpc_init(); }
  ~FakesTest() override { grpc_shutdown(); }
};

TEST_F(FakesTest, ACallOutsideTheSerializerFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  fakes.time().RunInCore([&] {
    EXPECT_NONFATAL_FAILURE(fakes.control().RequestReresolution(),
                            "outside the work serializer");
    EXPECT_NONFATAL_FAILURE(
        fakes.control().UpdateState(GRPC_CHANNEL_CONNECTING, absl::OkStatus(),
                                    AnyPicker()),
        "outside the work serializer");
    EXPECT_NONFATAL_FAILURE(fakes.subchannel().RequestConnection(),
                            "outside the work serializer");
    EXPECT_NONFATAL_FAILURE(fakes.subchannel().ResetBackoff(),
                            "outside the work serializer");
  });
}

TEST_F(FakesTest, ACallFromTheConstructorFails) {
  VirtualTime time;
  FakeChannel channel(&time);
  const auto control = channel.MakeControl();
  EXPECT_NONFATAL_FAILURE((void)control->GetEventEngine(),
                          "by the policy's constructor");
}

TEST_F(FakesTest, ACallAfterShutdownFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  fakes.channel().OnPolicyShutDown();
  fakes.InSerializer([&] {
    EXPECT_NONFATAL_FAILURE(
        fakes.control().UpdateState(GRPC_CHANNEL_CONNECTING, absl::OkStatus(),
                                    AnyPicker()),
        "after the policy's shutdown");
    EXPECT_NONFATAL_FAILURE(fakes.subchannel().ResetBackoff(),
                            "after the policy's shutdown");
  });
}

TEST_F(FakesTest, ATimerThatOutlivesThePolicyFails) {
  Fakes fakes;
  const auto timer =
      fakes.time().engine()->RunAfter(std::chrono::seconds(1), [] {});
  EXPECT_NONFATAL_FAILURE(fakes.channel().OnPolicyShutDown(), "a timer");
  EXPECT_TRUE(fakes.time().engine()->Cancel(timer));
  EXPECT_FALSE(fakes.time().engine()->Cancel(timer));
}

TEST_F(FakesTest, ATimerMayOutliveOneOfTwoPolicies) {
  VirtualTime time;
  FakeChannel one(&time);
  FakeChannel other(&time);
  one.OnPolicyMade();
  other.OnPolicyMade();
  const auto timer = time.engine()->RunAfter(std::chrono::seconds(1), [] {});
  one.OnPolicyShutDown();
  EXPECT_NONFATAL_FAILURE(other.OnPolicyShutDown(), "a timer");
  EXPECT_TRUE(time.engine()->Cancel(timer));
}

TEST_F(FakesTest, WorkForTheEngineAfterTheEndFails) {
  VirtualTime time;
  time.Close();
  EXPECT_NONFATAL_FAILURE(time.engine()->Run([] {}), "after its shutdown");
}

TEST_F(FakesTest, AStateWithoutAPickerFails) {
  Fakes fakes;
  fakes.InSerializer([&] {
    EXPECT_NONFATAL_FAILURE(fakes.control().UpdateState(
                                GRPC_CHANNEL_READY, absl::OkStatus(), nullptr),
                            "without a picker");
    EXPECT_NONFATAL_FAILURE(
        fakes.control().UpdateState(GRPC_CHANNEL_SHUTDOWN, absl::OkStatus(),
                                    AnyPicker()),
        "SHUTDOWN");
  });
}

TEST_F(FakesTest, AStateWithTheWrongKindOfStatusFails) {
  Fakes fakes;
  fakes.InSerializer([&] {
    EXPECT_NONFATAL_FAILURE(
        fakes.control().UpdateState(GRPC_CHANNEL_TRANSIENT_FAILURE,
                                    absl::OkStatus(), AnyPicker()),
        "with the status OK");
    EXPECT_NONFATAL_FAILURE(
        fakes.control().UpdateState(GRPC_CHANNEL_READY,
                                    absl::UnavailableError("x"), AnyPicker()),
        "with the status UNAVAILABLE");
  });
}

TEST_F(FakesTest, WatchingTwiceFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  auto* const watcher = fakes.Watch();
  EXPECT_NONFATAL_FAILURE(fakes.Watch(), "is watched twice");
  fakes.Cancel(watcher);
}

TEST_F(FakesTest, CancellingAnUnknownWatchFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  SilentWatcher other;
  EXPECT_NONFATAL_FAILURE(fakes.Cancel(&other), "that is not there");
  auto* const watcher = fakes.Watch();
  EXPECT_NONFATAL_FAILURE(fakes.Cancel(&other), "that is not there");
  fakes.Cancel(watcher);
  EXPECT_NONFATAL_FAILURE(fakes.Cancel(watcher), "that is not there");
}

TEST_F(FakesTest, AWatchLeftBehindFails) {
  auto fakes = std::make_unique<Fakes>();
  fakes->MakeSubchannel();
  auto* const watcher = fakes->Watch();
  FakeSubchannel& left = fakes->subchannel();
  fakes->DropSubchannel();
  EXPECT_TRUE(left.watched());
  EXPECT_EQ(fakes->channel().Watched("10.0.0.1:80").size(), 1u);
  EXPECT_NONFATAL_FAILURE(fakes->channel().ExpectNothingLeft(), "watched");
  fakes->InSerializer([&] { left.CancelConnectivityStateWatch(watcher); });
}

TEST_F(FakesTest, OnlyTheTransitionsOfCoreCanBeMade) {
  struct Row {
    grpc_connectivity_state from;
    void (*step)(FakeSubchannel&);
    bool legal;
  };
  const auto connect = [](FakeSubchannel& one) { one.BecomeReady(); };
  const auto fail = [](FakeSubchannel& one) {
    one.FailToConnect(absl::UnavailableError("refused"));
  };
  const auto lose = [](FakeSubchannel& one) { one.LoseConnection(); };
  const auto retry = [](FakeSubchannel& one) { one.EndBackoff(); };
  const auto begin = [](FakeSubchannel& one) { one.BeginConnecting(); };
  const Row rows[] = {
      {GRPC_CHANNEL_IDLE, begin, true},
      {GRPC_CHANNEL_IDLE, connect, false},
      {GRPC_CHANNEL_IDLE, fail, false},
      {GRPC_CHANNEL_IDLE, lose, false},
      {GRPC_CHANNEL_IDLE, retry, false},
      {GRPC_CHANNEL_CONNECTING, begin, false},
      {GRPC_CHANNEL_CONNECTING, connect, true},
      {GRPC_CHANNEL_CONNECTING, fail, true},
      {GRPC_CHANNEL_CONNECTING, lose, false},
      {GRPC_CHANNEL_CONNECTING, retry, false},
      {GRPC_CHANNEL_READY, begin, false},
      {GRPC_CHANNEL_READY, connect, false},
      {GRPC_CHANNEL_READY, fail, false},
      {GRPC_CHANNEL_READY, lose, true},
      {GRPC_CHANNEL_READY, retry, false},
      {GRPC_CHANNEL_TRANSIENT_FAILURE, begin, false},
      {GRPC_CHANNEL_TRANSIENT_FAILURE, connect, false},
      {GRPC_CHANNEL_TRANSIENT_FAILURE, fail, false},
      {GRPC_CHANNEL_TRANSIENT_FAILURE, lose, false},
      {GRPC_CHANNEL_TRANSIENT_FAILURE, retry, true},
  };
  for (const Row& row : rows) {
    Fakes fakes;
    fakes.channel().set_first_state(row.from);
    fakes.MakeSubchannel();
    if (row.legal) {
      row.step(fakes.subchannel());
      EXPECT_NE(fakes.subchannel().state(), row.from);
    } else {
      EXPECT_NONFATAL_FAILURE(row.step(fakes.subchannel()),
                              "core makes no subchannel go");
      EXPECT_EQ(fakes.subchannel().state(), row.from);
    }
  }
}

TEST_F(FakesTest, AskingForAConnectionConnectsAnIdleOneOnly) {
  Fakes fakes;
  fakes.MakeSubchannel();
  FakeSubchannel& subchannel = fakes.subchannel();
  auto ask = [&] {
    fakes.InSerializer([&] { subchannel.RequestConnection(); });
  };
  ask();
  EXPECT_EQ(subchannel.state(), GRPC_CHANNEL_CONNECTING);
  ask();
  EXPECT_EQ(subchannel.state(), GRPC_CHANNEL_CONNECTING);
  subchannel.FailToConnect(absl::UnavailableError("refused"));
  ask();
  EXPECT_EQ(subchannel.state(), GRPC_CHANNEL_TRANSIENT_FAILURE);
  fakes.InSerializer([&] { subchannel.ResetBackoff(); });
  EXPECT_EQ(subchannel.state(), GRPC_CHANNEL_IDLE);
  EXPECT_EQ(subchannel.connection_requests(), 3);
  EXPECT_EQ(subchannel.backoff_resets(), 1);
}

}  // namespace
}  // namespace multi_backend

// Tests that each illegal use of a fake fails the test at once.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"
#include "multi_backend/port/core.h"

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

// A picker that returns what the test's function returns.
class GivenPicker final : public Policy::SubchannelPicker {
 public:
  using Function = std::function<Policy::PickResult()>;
  explicit GivenPicker(Function pick) : pick_(std::move(pick)) {}
  Policy::PickResult Pick(Policy::PickArgs) override {
    // A pick that publishes destroys this picker.
    return Function(pick_)();
  }

 private:
  const Function pick_;
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
      subchannel_ = core::MakeSubchannel(
          *control_, PolicyDriver::Endpoints({"10.0.0.1:80"})[0],
          grpc_core::ChannelArgs());
    });
  }
  FakeSubchannel::ConnectivityStateWatcherInterface* Watch() {
    return Watch(std::make_unique<SilentWatcher>());
  }
  FakeSubchannel::ConnectivityStateWatcherInterface* Watch(
      std::unique_ptr<FakeSubchannel::ConnectivityStateWatcherInterface>
          watcher) {
    auto* const raw = watcher.get();
    InSerializer(
        [&] { subchannel_->WatchConnectivityState(std::move(watcher)); });
    return raw;
  }
  void Cancel(FakeSubchannel::ConnectivityStateWatcherInterface* watcher) {
    InSerializer([&] { subchannel_->CancelConnectivityStateWatch(watcher); });
  }

  // Publishes a picker that picks what `pick` returns.
  void Publish(GivenPicker::Function pick) {
    InSerializer([&] {
      core::Publish<GivenPicker>(*control_, GRPC_CHANNEL_READY,
                                 absl::OkStatus(), std::move(pick));
    });
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

core::PickerPtr AnyPicker() {
  return core::MakePicker<Policy::TransientFailurePicker>(
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
    EXPECT_NONFATAL_FAILURE((void)fakes.control().GetAuthority(),
                            "outside the work serializer");
    EXPECT_NONFATAL_FAILURE(
        core::Trace(fakes.control(), core::TraceSeverity::kInfo, "any"),
        "outside the work serializer");
    EXPECT_NONFATAL_FAILURE(
        (void)core::MakeSubchannel(fakes.control(),
                                   PolicyDriver::Endpoints({"10.0.0.1:80"})[0],
                                   grpc_core::ChannelArgs()),
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
    EXPECT_NONFATAL_FAILURE(fakes.subchannel().RequestConnection(),
                            "after the policy's shutdown");
    EXPECT_NONFATAL_FAILURE(fakes.control().RequestReresolution(),
                            "after the policy's shutdown");
    EXPECT_NONFATAL_FAILURE((void)fakes.control().GetEventEngine(),
                            "after the policy's shutdown");
  });
}

TEST_F(FakesTest, AWatchThatOutlivesThePolicyFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  auto* const watcher = fakes.Watch();
  fakes.channel().OnPolicyShutDown();
  EXPECT_NONFATAL_FAILURE(fakes.Cancel(watcher), "after the policy's shutdown");
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

TEST_F(FakesTest, APickThatPublishesFails) {
  Fakes fakes;
  fakes.Publish([&] {
    fakes.control().UpdateState(GRPC_CHANNEL_CONNECTING, absl::OkStatus(),
                                AnyPicker());
    return Policy::PickResult::Fail(absl::UnavailableError("any"));
  });
  FakeCall call({}, nullptr);
  fakes.InSerializer([&] {
    EXPECT_NONFATAL_FAILURE(fakes.channel().Pick(&call),
                            "UpdateState() was called by a pick");
  });
}

TEST_F(FakesTest, APickWithAWrongResultFails) {
  struct Row {
    const char* name;
    Policy::PickResult (*pick)();
    const char* failure;
  };
  using Result = Policy::PickResult;
  const Row rows[] = {
      {"NoSubchannel", []() -> Result { return Result::Complete(nullptr); },
       "without a subchannel"},
      {"AFailureThatIsOk",
       []() -> Result { return Result::Fail(absl::OkStatus()); },
       "failed with an OK status"},
      {"ADropThatIsOk",
       []() -> Result { return Result::Drop(absl::OkStatus()); },
       "failed with an OK status"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Fakes fakes;
    fakes.Publish(row.pick);
    FakeCall call({}, nullptr);
    EXPECT_NONFATAL_FAILURE(fakes.channel().Pick(&call), row.failure);
  }
}

TEST_F(FakesTest, ATestThatDoesWhatCoreNeverDoesFails) {
  Fakes fakes;
  FakeCall call({}, nullptr);
  EXPECT_NONFATAL_FAILURE(fakes.channel().Pick(&call),
                          "before there is a picker");
  EXPECT_NONFATAL_FAILURE(call.Finish(absl::OkStatus()),
                          "an attempt ends that is not on its way");
  fakes.channel().set_first_state(GRPC_CHANNEL_CONNECTING);
  fakes.MakeSubchannel();
  EXPECT_NONFATAL_FAILURE(fakes.subchannel().FailToConnect(absl::OkStatus()),
                          "fails with an error");
  auto* const watcher = fakes.Watch();
  EXPECT_NONFATAL_FAILURE(fakes.subchannel().StartIn(GRPC_CHANNEL_READY),
                          "is watched already");
  fakes.Cancel(watcher);
}

TEST_F(FakesTest, AForeignTimerOrAConnectionOfItsOwnFails) {
  VirtualTime time;
  EXPECT_NONFATAL_FAILURE((void)time.engine()->Cancel({1, 2}),
                          "that the engine never gave");
  EXPECT_NONFATAL_FAILURE((void)time.engine()->GetDNSResolver({}),
                          "GetDNSResolver()");
}

TEST_F(FakesTest, AWatcherOfDataFails) {
  Fakes fakes;
  fakes.MakeSubchannel();
  EXPECT_NONFATAL_FAILURE(fakes.subchannel().AddDataWatcher(nullptr),
                          "watches no data");
}

TEST_F(FakesTest, AWatchThatChangesItsInterestedPartiesFails) {
  class Watcher final
      : public FakeSubchannel::ConnectivityStateWatcherInterface {
   public:
    explicit Watcher(grpc_pollset_set* const* parties) : parties_(parties) {}
    void OnConnectivityStateChange(grpc_connectivity_state,
                                   absl::Status) override {}
    grpc_pollset_set* interested_parties() override { return *parties_; }

   private:
    grpc_pollset_set* const* const parties_;
  };
  Fakes fakes;
  fakes.MakeSubchannel();
  grpc_pollset_set* parties = nullptr;
  auto* const watcher = fakes.Watch(std::make_unique<Watcher>(&parties));
  parties = grpc_pollset_set_create();
  EXPECT_NONFATAL_FAILURE(fakes.Cancel(watcher),
                          "changed its interested parties");
  fakes.InSerializer([&] { grpc_pollset_set_destroy(parties); });
}

TEST_F(FakesTest, ALostPickIsDroppedWithoutAnEnd) {
  class Tracker final : public core::TrackerBase {
   public:
    explicit Tracker(int* dropped) : dropped_(*dropped) {}
    ~Tracker() override { dropped_ += finished_ ? 0 : 1; }
    void Finish(FinishArgs) override { finished_ = true; }

   private:
    int& dropped_;
    bool finished_ = false;
  };
  Fakes fakes;
  fakes.channel().set_first_state(GRPC_CHANNEL_CONNECTING);
  fakes.MakeSubchannel();
  int dropped = 0;
  fakes.Publish([&] {
    return Policy::PickResult::Complete(fakes.subchannel().Ref(),
                                        std::make_unique<Tracker>(&dropped));
  });
  FakeCall call({}, nullptr);
  fakes.channel().Pick(&call);
  EXPECT_EQ(call.Outcome(), "queued");
  EXPECT_EQ(call.bounces(), 1);
  EXPECT_EQ(dropped, 1);
  fakes.subchannel().BecomeReady();
  fakes.channel().Forget(&call);
  fakes.channel().Pick(&call);
  EXPECT_EQ(call.Outcome(), "10.0.0.1:80");
  EXPECT_EQ(dropped, 1);
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

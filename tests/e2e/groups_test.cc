// Registered groups and live channels: replacing, unregistering, closing, and
// groups whose lists change, while calls go on.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/scripted_group.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using testing::HasSubstr;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
// How long a change may take to reach a channel.
constexpr absl::Duration kChangeTimeout = absl::Seconds(20);

// Makes calls without a pause, on threads of its own, until it is destroyed,
// and tells which backend served the newest call.
class Load {
 public:
  Load(const std::shared_ptr<grpc::Channel>& channel, int threads)
      : stub_(Users::NewStub(channel)) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  ~Load() { Stop(); }

  void Stop() {
    stopped_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Waits until `count` calls in a row that began after this moment were served
  // by backends whose names `expected` accepts.
  bool AwaitServedBy(const std::function<bool(const std::string&)>& expected,
                     int count = 50) {
    absl::MutexLock lock(&mutex_);
    expected_ = expected;
    in_a_row_ = 0;
    const auto enough = [this, count] {
      mutex_.AssertReaderHeld();
      return in_a_row_ >= count;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), kChangeTimeout);
  }
  bool AwaitServedBy(const std::string& name) {
    return AwaitServedBy([name](const std::string& by) { return by == name; });
  }

  std::vector<std::string> errors() const {
    absl::MutexLock lock(&mutex_);
    return errors_;
  }

 private:
  void Run() {
    while (!stopped_) {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
      UserReply reply;
      const grpc::Status status =
          stub_->GetUser(&context, GetUserRequest(), &reply);
      absl::MutexLock lock(&mutex_);
      if (!status.ok()) {
        errors_.push_back(status.error_message());
      } else if (expected_ != nullptr) {
        in_a_row_ = expected_(reply.served_by()) ? in_a_row_ + 1 : 0;
      }
    }
  }

  const std::unique_ptr<Users::Stub> stub_;
  std::atomic<bool> stopped_{false};
  mutable absl::Mutex mutex_;
  int in_a_row_ ABSL_GUARDED_BY(mutex_) = 0;
  std::function<bool(const std::string&)> expected_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

class GroupsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  Endpoint EndpointOf(size_t index) {
    return Endpoint::Of("127.0.0.1",
                        static_cast<uint16_t>(fleet_->server(index).port()));
  }
  std::shared_ptr<ScriptedGroup> GroupOf(const std::vector<size_t>& indices) {
    EndpointList list;
    for (size_t index : indices) list.push_back(EndpointOf(index));
    return std::make_shared<ScriptedGroup>(std::move(list));
  }
  // A group name for this test alone.
  std::string GroupName() const {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelToGroup(
      ChannelOptions options = {}) {
    return multi_backend::CreateChannel(absl::StrCat("group:///", GroupName()),
                                        grpc::InsecureChannelCredentials(),
                                        std::move(options));
  }
  void TearDown() override { EndpointGroupRegistry::Unregister(GroupName()); }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(GroupsTest, ReplacingTheGroupUnderLoadFailsNoCall) {
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), GroupOf({0})).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 4);
  ASSERT_TRUE(load.AwaitServedBy("b0"));
  for (size_t next : {1, 2, 0, 1, 2, 0}) {
    ASSERT_TRUE(
        EndpointGroupRegistry::Register(GroupName(), GroupOf({next})).ok());
    ASSERT_TRUE(load.AwaitServedBy(absl::StrCat("b", next)));
  }
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
}

TEST_F(GroupsTest, ChangingTheListUnderLoadFailsNoCall) {
  auto group = GroupOf({0, 1});
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 4);
  for (int round = 0; round < 5; ++round) {
    group->SetEndpoints({EndpointOf(2)});
    ASSERT_TRUE(load.AwaitServedBy("b2"));
    group->SetEndpoints({EndpointOf(0), EndpointOf(1)});
    ASSERT_TRUE(load.AwaitServedBy(
        [](const std::string& by) { return by == "b0" || by == "b1"; }));
  }
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
}

TEST_F(GroupsTest, UnregisteringKeepsLiveChannelsAndFailsNewOnes) {
  auto group = GroupOf({0});
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  ASSERT_TRUE(load.AwaitServedBy("b0"));
  ASSERT_TRUE(EndpointGroupRegistry::Unregister(GroupName()));
  group->SetEndpoints({EndpointOf(1)});  // No channel follows it any more.

  const auto refused = ChannelToGroup();
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(refused.status().message()),
            absl::StrCat("group \"", GroupName(),
                         "\" is not registered; no group is registered"));
  EXPECT_TRUE(load.AwaitServedBy("b0"));

  // When the name is registered again, the same channel switches to the new
  // group.
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), GroupOf({2})).ok());
  EXPECT_TRUE(load.AwaitServedBy("b2"));
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

TEST_F(GroupsTest, AnEmptyOrFailedUpdateKeepsTheLastGoodList) {
  auto group = GroupOf({0, 1});
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  const auto either = [](const std::string& by) {
    return by == "b0" || by == "b1";
  };
  ASSERT_TRUE(load.AwaitServedBy(either));
  group->SetEndpoints(EndpointList());
  EXPECT_TRUE(load.AwaitServedBy(either, 200));
  group->SetError(absl::UnavailableError("the source is gone"));
  EXPECT_TRUE(load.AwaitServedBy(either, 200));
  group->SetEndpoints({EndpointOf(2)});
  EXPECT_TRUE(load.AwaitServedBy("b2"));
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
}

TEST_F(GroupsTest, CallsToAGroupThatIsEmptyFromTheStartSayWhich) {
  auto group = std::make_shared<ScriptedGroup>(EndpointList());
  group->SetError(absl::UnavailableError("the source is gone"));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    UserReply reply;
    const grpc::Status status =
        stub->GetUser(&context, GetUserRequest(), &reply);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(status.error_message(),
              absl::StrCat("multi_backend: no endpoints, the call was not "
                           "sent: empty address list: group:///",
                           GroupName(),
                           " = scripted (last error: the source is gone)"));
  }
  group->SetEndpoints({EndpointOf(0)});
  grpc::ClientContext waiting;
  waiting.set_wait_for_ready(true);
  waiting.set_deadline(absl::ToChronoTime(absl::Now() + kChangeTimeout));
  UserReply reply;
  const grpc::Status status = stub->GetUser(&waiting, GetUserRequest(), &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(GroupsTest, CallsWaitForTheFirstListOfAGroup) {
  auto group = std::make_shared<ScriptedGroup>();
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  group->SetError(absl::UnavailableError("the source is gone"));
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  grpc::ClientContext waiting;
  waiting.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
  UserReply reply;
  EXPECT_EQ(stub->GetUser(&waiting, GetUserRequest(), &reply).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  Load load(*channel, 1);
  group->SetEndpoints({EndpointOf(0)});
  EXPECT_TRUE(load.AwaitServedBy("b0"));
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
}

TEST_F(GroupsTest, AfterCloseNoChangeReachesAChannel) {
  auto group = GroupOf({0});
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  std::atomic<bool> closed{false};
  std::atomic<int> after_close{0};
  auto watch = group->Watch([&](std::shared_ptr<const EndpointList>) {
    if (closed) ++after_close;
  });
  Load load(*channel, 2);
  ASSERT_TRUE(load.AwaitServedBy("b0"));
  // List changes race with the end of the channel.
  std::thread changes([&] {
    for (int i = 0; i < 1000; ++i) {
      group->SetEndpoints({EndpointOf(0).WithWeight(500 + i % 2)});
    }
  });
  group->Close();
  closed = true;
  changes.join();
  group->SetEndpoints({EndpointOf(1)});
  EXPECT_TRUE(load.AwaitServedBy("b0"));
  load.Stop();
  EXPECT_EQ(after_close, 0);
  EXPECT_THAT(load.errors(), testing::IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

TEST_F(GroupsTest, OrElseFollowsTheFirstGroupAndFallsBackLive) {
  auto first = std::make_shared<ScriptedGroup>();
  auto fallback = GroupOf({1});
  ASSERT_TRUE(
      EndpointGroupRegistry::Register(GroupName(), OrElse(first, fallback))
          .ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  EXPECT_TRUE(load.AwaitServedBy("b1"));
  first->SetEndpoints({EndpointOf(0)});
  EXPECT_TRUE(load.AwaitServedBy("b0"));
  first->SetEndpoints(EndpointList());
  EXPECT_TRUE(load.AwaitServedBy("b1"));
  fallback->SetEndpoints({EndpointOf(2)});
  EXPECT_TRUE(load.AwaitServedBy("b2"));
  load.Stop();
  EXPECT_THAT(load.errors(), testing::IsEmpty());
}

// Two endpoints, of which PRIMARY uses only the better one.
EndpointList PrimaryAndStandIn(const Endpoint& better, Endpoint worse) {
  worse.priority = 1;
  return {worse, better};
}

TEST_F(GroupsTest, TheStrategyRegisteredWithTheGroupIsTheDefault) {
  auto group = std::make_shared<ScriptedGroup>(
      PrimaryAndStandIn(EndpointOf(0), EndpointOf(1)));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group,
                                              StrategyKind::kPrimary)
                  .ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  EXPECT_TRUE(load.AwaitServedBy(
      [](const std::string& by) { return by == "b0"; }, 200));
}

TEST_F(GroupsTest, ANewStrategyReachesLiveChannels) {
  auto group = std::make_shared<ScriptedGroup>(
      PrimaryAndStandIn(EndpointOf(0), EndpointOf(1)));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group,
                                              StrategyKind::kPrimary)
                  .ok());
  auto channel = ChannelToGroup();
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  ASSERT_TRUE(load.AwaitServedBy("b0"));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group,
                                              StrategyKind::kRoundRobin)
                  .ok());
  EXPECT_TRUE(
      load.AwaitServedBy([](const std::string& by) { return by == "b1"; }, 1));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group,
                                              StrategyKind::kPrimary)
                  .ok());
  EXPECT_TRUE(load.AwaitServedBy("b0"));
}

TEST_F(GroupsTest, AStrategyInTheConfigurationStandsAboveTheGroups) {
  auto group = std::make_shared<ScriptedGroup>(
      PrimaryAndStandIn(EndpointOf(0), EndpointOf(1)));
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group,
                                              StrategyKind::kPrimary)
                  .ok());
  ChannelOptions options;
  options.service_config_json =
      R"({"loadBalancingConfig":[{"multi_backend":{
            "strategy":"ROUND_ROBIN"}}]})";
  auto channel = ChannelToGroup(std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  Load load(*channel, 2);
  EXPECT_TRUE(
      load.AwaitServedBy([](const std::string& by) { return by == "b1"; }, 1));
  EXPECT_TRUE(
      load.AwaitServedBy([](const std::string& by) { return by == "b0"; }, 1));
}

TEST_F(GroupsTest, AChannelMayGoWhileItsGroupChanges) {
  auto group = GroupOf({0});
  ASSERT_TRUE(EndpointGroupRegistry::Register(GroupName(), group).ok());
  std::atomic<bool> done{false};
  std::thread changes([&] {
    for (uint32_t i = 0; !done; ++i) {
      group->SetEndpoints({EndpointOf(0).WithWeight(1 + i % 1000)});
    }
  });
  for (int i = 0; i < 30; ++i) {
    auto channel = ChannelToGroup();
    ASSERT_TRUE(channel.ok()) << channel.status();
    auto stub = Users::NewStub(*channel);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    UserReply reply;
    const grpc::Status status =
        stub->GetUser(&context, GetUserRequest(), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (!status.ok()) break;
  }
  done = true;
  changes.join();
}

}  // namespace
}  // namespace multi_backend

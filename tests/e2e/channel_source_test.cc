// What a channel tells its sinks about itself: its source once, the events of
// its backends, and its state at any time, also while it is idle.

#include "multi_backend/observability/channel_source.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/observability/metrics_sink.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/scripted_group.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

class Recorder final : public MetricsSink {
 public:
  void OnChannel(const std::weak_ptr<ChannelSource>& channel) override {
    absl::MutexLock lock(&mutex_);
    channels_.push_back(channel);
  }
  void OnStateChanged(const StateChanged& change) override {
    absl::MutexLock lock(&mutex_);
    changes_.push_back(absl::StrCat(change.target.text, " ", change.who, " ",
                                    change.from, " -> ", change.to));
  }
  std::vector<std::weak_ptr<ChannelSource>> channels() const {
    absl::MutexLock lock(&mutex_);
    return channels_;
  }
  std::vector<std::string> changes() const {
    absl::MutexLock lock(&mutex_);
    return changes_;
  }
  ChannelStatus Status(size_t channel = 0) const {
    const auto source = channels().at(channel).lock();
    return source == nullptr ? ChannelStatus() : source->Status();
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::weak_ptr<ChannelSource>> channels_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> changes_ ABSL_GUARDED_BY(mutex_);
};

class ChannelSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    EndpointList list;
    for (size_t i = 0; i < 2; ++i) {
      list.push_back(Endpoint::Of(
          "127.0.0.1", static_cast<uint16_t>(fleet_->server(i).port())));
    }
    group_ = std::make_shared<ScriptedGroup>(std::move(list));
    ASSERT_TRUE(EndpointGroupRegistry::Register("source", group_).ok());
  }
  void TearDown() override { EndpointGroupRegistry::Unregister("source"); }

  std::unique_ptr<UsersClient> Connect(ChannelOptions options = {}) {
    options.service_config_json =
        ServiceConfig("", R"("routes":[{"match":{"method":"Get.*"}}])");
    options.sinks = {sink_};
    auto client = UsersClient::Make("group:///source", std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return nullptr;
    EXPECT_TRUE((*client)->ConnectTo(fleet_->addresses()));
    return *std::move(client);
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::shared_ptr<ScriptedGroup> group_;
  const std::shared_ptr<Recorder> sink_ = std::make_shared<Recorder>();
};

TEST_F(ChannelSourceTest, HasTheStateOfTheChannel) {
  auto client = Connect();
  ASSERT_NE(client, nullptr);
  ASSERT_EQ(sink_->channels().size(), 1u);
  ASSERT_TRUE(WaitUntil([&]() {
    const ChannelStatus status = sink_->Status();
    return status.backends.size() == 2 && status.backends[0].connections == 1 &&
           status.backends[1].connections == 1;
  }));
  const ChannelStatus status = sink_->Status();
  EXPECT_EQ(status.target, "group:///source");
  EXPECT_EQ(status.state, "READY");
  EXPECT_NE(status.config_json.find("Get.*"), std::string::npos);
  EXPECT_EQ(status.resolver.endpoints, 2u);
  EXPECT_GE(status.resolver.updates, 1u);
  EXPECT_EQ(status.resolver.last_error, "");
  ASSERT_FALSE(status.balancers.empty());
  EXPECT_EQ(status.balancers[0].strategy, "ROUND_ROBIN");
  ASSERT_EQ(status.routes.size(), 1u);
  EXPECT_NE(status.routes[0].name, "");
  EXPECT_GT(status.backends[0].calls, 0u);
  EXPECT_EQ(sink_->channels()[0].lock()->pool().get(), &client->pool());
  client = nullptr;
  EXPECT_TRUE(WaitUntil([&]() { return sink_->channels()[0].expired(); }));
}

TEST_F(ChannelSourceTest, SinksHearOfAnEventOnceForEachChannel) {
  ChannelOptions first;
  first.pool = BackendPool::Create();
  const auto pool = first.pool;
  const auto one = Connect(std::move(first));
  ChannelOptions second;
  second.pool = pool;
  const auto other = Connect(std::move(second));
  ASSERT_NE(one, nullptr);
  ASSERT_NE(other, nullptr);
  ASSERT_EQ(sink_->channels().size(), 2u);
  ASSERT_THAT(sink_->changes(), IsEmpty());
  pool->MarkUnhealthy(fleet_->address(1));
  pool->MarkUnhealthy("10.0.0.9:1");  // In no channel's list.
  pool->MarkHealthy(fleet_->address(1));
  ASSERT_TRUE(WaitUntil([&]() { return sink_->changes().size() >= 4; }));
  const std::string who = absl::StrCat("group:///source ", fleet_->address(1));
  std::vector<std::string> expected;
  for (const char* change : {" ALIVE -> DOWN", " DOWN -> ALIVE"}) {
    expected.insert(expected.end(), 2, absl::StrCat(who, change));
  }
  EXPECT_THAT(sink_->changes(), ::testing::UnorderedElementsAreArray(expected));
}

TEST_F(ChannelSourceTest, AnswersWhileTheChannelIsIdle) {
  ChannelOptions options;
  options.args.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, 1000);
  const auto client = Connect(std::move(options));
  ASSERT_NE(client, nullptr);
  client->pool().MarkUnhealthy(fleet_->address(1), "by hand");
  // Core drops its picker, which holds backends, a moment after the policy.
  ASSERT_TRUE(WaitUntil([&]() {
    const ChannelStatus status = sink_->Status();
    return status.state == "IDLE" && !status.backends.empty();
  }));
  const ChannelStatus idle = sink_->Status();
  ASSERT_EQ(idle.backends.size(), 1u);
  EXPECT_EQ(idle.backends[0].address, fleet_->address(1));
  EXPECT_TRUE(idle.backends[0].absent);
  EXPECT_EQ(idle.resolver.endpoints, 2u);
  EXPECT_TRUE(client->Call().ok());
  ASSERT_TRUE(WaitUntil([&]() {
    client->Call();
    return sink_->Status().state == "READY";
  }));
  EXPECT_EQ(sink_->Status().backends.size(), 2u);
  EXPECT_GE(sink_->Status().resolver.updates, 2u);
  EXPECT_EQ(sink_->channels().size(), 1u);
}

TEST_F(ChannelSourceTest, ATargetOfGrpcIsShownAsItWasWritten) {
  for (const bool by_grpc : {true, false}) {
    ChannelOptions options;
    options.sinks = {sink_};
    const std::string target = fleet_->Ipv4Target();
    std::shared_ptr<grpc::Channel> channel;
    if (by_grpc) {
      grpc::ChannelArguments args;
      ASSERT_TRUE(Attach(static_cast<ChannelExtras&&>(options), &args).ok());
      channel = grpc::CreateCustomChannel(
          target, grpc::InsecureChannelCredentials(), args);
    } else {
      auto made = CreateChannel(target, grpc::InsecureChannelCredentials(),
                                std::move(options));
      ASSERT_TRUE(made.ok()) << made.status();
      channel = *made;
    }
    ASSERT_TRUE(channel->WaitForConnected(
        absl::ToChronoTime(absl::Now() + kTestTimeout)));
    const size_t index = by_grpc ? 0 : 1;
    ASSERT_EQ(sink_->channels().size(), index + 1);
    EXPECT_EQ(sink_->Status(index).target, target);
    EXPECT_EQ(sink_->Status(index).resolver.endpoints, 2u);
  }
}

}  // namespace
}  // namespace multi_backend

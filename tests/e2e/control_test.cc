// What an operator does to backends, with real servers: drains, weights,
// reconnects, and the watch of events.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/listed_fleet_test.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

constexpr int kKeys = 60;
constexpr char kByHeader[] = R"("stickyKey":{"header":"x-user-id"})";

DrainOptions Patiently() {
  DrainOptions options;
  options.timeout = absl::Minutes(10);
  return options;
}

class ControlTest : public ListedFleetTest {
 protected:
  static UsersCall Keyed(int key) {
    UsersCall call;
    call.metadata = {{"x-user-id", absl::StrCat("user-", key)}};
    return call;
  }

  std::unique_ptr<UsersClient> Connect(const std::string& policy,
                                       ChannelOptions options = {}) {
    options.service_config_json = ServiceConfig(policy, kByHeader);
    auto client = UsersClient::Make(kTarget, std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return nullptr;
    // Keys of their own, so that STICKY reaches every backend.
    int key = 1000;
    EXPECT_TRUE(WaitUntil([&]() {
      (*client)->Call(Keyed(++key));
      for (const std::string& address : fleet_->addresses()) {
        if ((*client)->Backend(address).calls == 0) return false;
      }
      return true;
    }));
    return *std::move(client);
  }

  // Which backend serves each key.
  static std::map<int, std::string> Homes(UsersClient& client) {
    std::map<int, std::string> homes;
    for (int key = 0; key < kKeys; ++key) {
      const CallOutcome outcome = client.Call(Keyed(key));
      EXPECT_TRUE(outcome.ok()) << outcome.ToString();
      homes[key] = outcome.served_by;
    }
    return homes;
  }
  bool AwaitDrained(UsersClient& client) {
    return WaitUntil(
        [&]() { return client.Backend(fleet_->address(1)).drained; });
  }
};

TEST_F(ControlTest, ADrainUnderLoadLosesNoCall) {
  const auto client = Connect("");
  ASSERT_NE(client, nullptr);
  const auto watch = client->pool().Watch();
  BackgroundLoad load(*client, /*threads=*/4);
  ASSERT_TRUE(WaitUntil([&]() { return load.calls() > 100; }));
  ASSERT_TRUE(client->pool().Drain(fleet_->address(1), Patiently()).ok());
  ASSERT_TRUE(AwaitDrained(*client));
  const int64_t calls = load.calls();
  ASSERT_TRUE(WaitUntil([&]() { return load.calls() > calls + 100; }));
  const LoadResult result = load.Stop();
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_EQ(CallsToB1(*client), 0);
  std::vector<std::string> drain;
  while (const auto event = watch->TryNext()) {
    if (event->kind == PoolEvent::Kind::kDrain) drain.push_back(event->to);
  }
  EXPECT_EQ(drain, (std::vector<std::string>{"draining", "drained"}));
  ASSERT_TRUE(client->pool().Undrain(fleet_->address(1)).ok());
  EXPECT_TRUE(WaitUntil([&]() { return client->Call().served_by == "b1"; }));
}

TEST_F(ControlTest, StickyKeysMoveLastAndOnlyThoseOfTheDrainedBackend) {
  const auto client = Connect(R"("strategy":"STICKY")");
  ASSERT_NE(client, nullptr);
  const std::map<int, std::string> before = Homes(*client);
  int key_of_b1 = 0;
  while (before.at(key_of_b1) != "b1") ++key_of_b1;
  // An open stream keeps the drain from being done.
  grpc::ClientContext context;
  context.AddMetadata(kCallIdKey, "stream");
  context.AddMetadata("x-user-id", absl::StrCat("user-", key_of_b1));
  const auto stream = client->stub().WatchUsers(&context);
  examples::users::v1::UserReply reply;
  ASSERT_TRUE(stream->Write(examples::users::v1::WatchUsersRequest()));
  ASSERT_TRUE(stream->Read(&reply));
  ASSERT_TRUE(WaitUntil([&]() { return client->InFlight() == 1; }));
  ASSERT_TRUE(client->pool().Drain(fleet_->address(1), Patiently()).ok());
  EXPECT_EQ(CallsToB1(*client), 0);
  EXPECT_EQ(Homes(*client), before);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_TRUE(AwaitDrained(*client));
  for (const auto& [key, home] : Homes(*client)) {
    if (before.at(key) == "b1") {
      EXPECT_NE(home, "b1") << key;
    } else {
      EXPECT_EQ(home, before.at(key)) << key;
    }
  }
  ASSERT_TRUE(client->pool().Undrain(fleet_->address(1)).ok());
  EXPECT_TRUE(WaitUntil([&]() { return Homes(*client) == before; }));
}

TEST_F(ControlTest, AWeightShiftsSharesAndSurvivesAListWithoutTheBackend) {
  const auto client = Connect(R"("strategy":"WEIGHTED")");
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->pool().SetWeight(fleet_->address(1), 1).ok());
  // The lists say 1,000 for each backend.
  EXPECT_TRUE(WaitUntil([&]() { return CallsToB1(*client, 100) <= 1; }));
  ASSERT_NO_FATAL_FAILURE(LeaveB1OutAndBringItBack(*client));
  EXPECT_LE(CallsToB1(*client, 100), 1);
  ASSERT_TRUE(client->pool().ResetWeight(fleet_->address(1)).ok());
  EXPECT_TRUE(WaitUntil([&]() { return CallsToB1(*client, 100) >= 30; }));
}

TEST_F(ControlTest, ADrainHoldsOverAListWithoutTheBackend) {
  const auto client = Connect("");
  ASSERT_NE(client, nullptr);
  ASSERT_TRUE(client->pool().Drain(fleet_->address(1)).ok());
  ASSERT_NO_FATAL_FAILURE(LeaveB1OutAndBringItBack(*client));
  EXPECT_EQ(CallsToB1(*client), 0);
}

TEST_F(ControlTest, ResetBackoffConnectsAgainAtOnce) {
  ChannelOptions options;
  // Without it the next attempt would come after an hour.
  options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 3'600'000);
  options.args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 3'600'000);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 3'600'000);
  const auto client = Connect("", std::move(options));
  ASSERT_NE(client, nullptr);
  fleet_->server(1).Kill();
  ASSERT_TRUE(client->AwaitHealth(fleet_->address(1), false));
  ASSERT_TRUE(fleet_->server(1).Restart().ok());
  // The channel may be between the loss and the first attempt that fails.
  EXPECT_TRUE(WaitUntil([&]() {
    EXPECT_TRUE(client->pool().ResetBackoff(fleet_->address(1)).ok());
    return client->Call().served_by == "b1";
  }));
}

TEST_F(ControlTest, ActionsReachEachChannelOfThePool) {
  const auto pool = BackendPool::Create();
  ChannelOptions options;
  options.pool = pool;
  const auto first = Connect("", std::move(options));
  ChannelOptions other;
  other.pool = pool;
  const auto second = Connect(R"("strategy":"WEIGHTED")", std::move(other));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(pool->Drain(fleet_->address(1)).ok());
  EXPECT_EQ(CallsToB1(*first), 0);
  EXPECT_EQ(CallsToB1(*second), 0);
  ASSERT_TRUE(pool->Undrain(fleet_->address(1)).ok());
  for (UsersClient* client : {first.get(), second.get()}) {
    EXPECT_TRUE(WaitUntil([&]() { return client->Call().served_by == "b1"; }));
  }
}

TEST_F(ControlTest, AWatchThatIsNotEmptiedHoldsNobodyUp) {
  const auto client = Connect("");
  ASSERT_NE(client, nullptr);
  const auto watch = client->pool().Watch(/*capacity=*/3);
  for (int i = 0; i < 100; ++i) {
    client->pool().MarkUnhealthy(fleet_->address(1));
    client->pool().MarkHealthy(fleet_->address(1));
    EXPECT_TRUE(client->Call().ok());
  }
  EXPECT_GE(watch->lost(), 197u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(watch->TryNext().has_value());
  EXPECT_FALSE(watch->TryNext().has_value());
}

}  // namespace
}  // namespace multi_backend

// BackendPool with real channels: marks act on the very next call, and several
// channels share one pool.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Addresses(const std::vector<BackendSnapshot>& list) {
  std::vector<std::string> addresses;
  for (const BackendSnapshot& backend : list) {
    addresses.push_back(backend.address);
  }
  return addresses;
}

class SharedPoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::unique_ptr<UsersClient> Connect(
      absl::string_view policy, std::shared_ptr<BackendPool> pool = nullptr) {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(policy);
    options.pool = std::move(pool);
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return nullptr;
    // Connects one at a time, because PRIMARY calls the first backend allowed.
    for (size_t i = 0; i < fleet_->size(); ++i) {
      SetOthers(i, **client, /*healthy=*/false);
      EXPECT_TRUE((*client)->ConnectTo({fleet_->address(i)}));
      SetOthers(i, **client, /*healthy=*/true);
    }
    return *std::move(client);
  }

  // Marks all backends but `index`.
  void SetOthers(size_t index, UsersClient& client, bool healthy) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      if (i == index) continue;
      if (healthy) {
        client.pool().MarkHealthy(fleet_->address(i));
      } else {
        client.pool().MarkUnhealthy(fleet_->address(i));
      }
    }
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(SharedPoolTest, TheVeryNextCallFollowsAMark) {
  auto client = Connect("");
  for (int round = 0; round < 100; ++round) {
    // Leaves one backend unmarked at a time; all calls must go there.
    const size_t left = round % 3;
    for (size_t i = 0; i < 3; ++i) {
      if (i != left) client->pool().MarkUnhealthy(fleet_->address(i));
    }
    for (int i = 0; i < 3; ++i) {
      const CallOutcome outcome = client->Call();
      ASSERT_TRUE(outcome.ok()) << outcome.ToString();
      ASSERT_EQ(outcome.served_by, fleet_->name(left)) << "round " << round;
    }
    for (size_t i = 0; i < 3; ++i) {
      client->pool().MarkHealthy(fleet_->address(i));
    }
  }
}

TEST_F(SharedPoolTest, ABackendThatIsMarkedHealthyAgainIsUsedAtOnce) {
  auto client = Connect(R"("strategy":"PRIMARY")");
  EXPECT_EQ(client->Call().served_by, "b0");
  for (int round = 0; round < 50; ++round) {
    client->pool().MarkUnhealthy(fleet_->address(0));
    ASSERT_EQ(client->Call().served_by, "b1") << "round " << round;
    client->pool().MarkHealthy(fleet_->address(0));
    ASSERT_EQ(client->Call().served_by, "b0") << "round " << round;
  }
}

TEST_F(SharedPoolTest, TheListsFollowTheMarks) {
  auto client = Connect("");
  BackendPool& pool = client->pool();
  EXPECT_THAT(Addresses(pool.GetAllBackends()),
              UnorderedElementsAre(fleet_->address(0), fleet_->address(1),
                                   fleet_->address(2)));
  EXPECT_EQ(pool.GetHealthyBackends().size(), 3u);
  const absl::Time before = absl::Now();
  pool.MarkUnhealthy(fleet_->address(1), "on fire");
  EXPECT_THAT(Addresses(pool.GetHealthyBackends()),
              UnorderedElementsAre(fleet_->address(0), fleet_->address(2)));
  EXPECT_EQ(pool.GetAllBackends().size(), 3u);
  const BackendSnapshot marked = client->Backend(fleet_->address(1));
  EXPECT_FALSE(marked.healthy);
  EXPECT_EQ(marked.state, BackendState::kDown);
  EXPECT_EQ(marked.reason, "marked unhealthy: on fire");
  EXPECT_GE(marked.since, before);
  pool.MarkHealthy(fleet_->address(1), "water");
  EXPECT_EQ(pool.GetHealthyBackends().size(), 3u);
  EXPECT_EQ(client->Backend(fleet_->address(1)).state, BackendState::kAlive);
}

TEST_F(SharedPoolTest, AnUnknownAddressChangesNothingForTheKnownOnes) {
  auto client = Connect("");
  for (const char* address : {"", "127.0.0.1:1", "nobody", "127.0.0.1"}) {
    client->pool().MarkUnhealthy(address);
    EXPECT_EQ(client->pool().GetHealthyBackends().size(), 3u) << address;
    client->pool().MarkHealthy(address);
  }
  EXPECT_EQ(client->pool().GetAllBackends().size(), 3u);
  EXPECT_THAT(RunCalls(*client, 1, 30).failures, IsEmpty());
}

TEST_F(SharedPoolTest, WithEveryBackendMarkedCallsFailAndSayWhy) {
  auto client = Connect("");
  for (size_t i = 0; i < 3; ++i) {
    client->pool().MarkUnhealthy(fleet_->address(i), absl::StrCat("r", i));
  }
  fleet_->ResetStats();
  const CallOutcome outcome = client->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(outcome.status.error_message(),
            absl::StrCat("multi_backend: no usable backend, the call was not "
                         "sent: ",
                         fleet_->address(0), " (marked unhealthy: r0); ",
                         fleet_->address(1), " (marked unhealthy: r1); ",
                         fleet_->address(2), " (marked unhealthy: r2)"));
  EXPECT_EQ(fleet_->TotalCalls(), 0);

  // A call that waits is served as soon as one comes back.
  UsersCall call;
  call.wait_for_ready = true;
  PendingCall waiting(*client, call);
  client->pool().MarkHealthy(fleet_->address(2));
  EXPECT_EQ(waiting.Wait().served_by, "b2") << waiting.Wait().ToString();
}

TEST_F(SharedPoolTest, TwoChannelsOfOnePoolShareMarksAndCounts) {
  auto pool = BackendPool::Create();
  auto one = Connect("", pool);
  auto two = Connect(R"("strategy":"LEAST_BUSY")", pool);
  EXPECT_EQ(pool->GetAllBackends().size(), 3u);
  pool->MarkUnhealthy(fleet_->address(0));
  pool->MarkUnhealthy(fleet_->address(1));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(one->Call().served_by, "b2");
    EXPECT_EQ(two->Call().served_by, "b2");
  }
  pool->MarkHealthy(fleet_->address(0));
  pool->MarkHealthy(fleet_->address(1));

  // LEAST_BUSY in one channel sees the other channel's calls in flight.
  fleet_->SetBehaviour(0, Hanging());
  std::unique_ptr<PendingCall> held;
  const auto hangs = [&]() {
    return one->Backend(fleet_->address(0)).in_flight == 1;
  };
  while (!hangs()) {
    held = std::make_unique<PendingCall>(*one, UsersCall());
    ASSERT_TRUE(WaitUntil([&]() { return held->done() || hangs(); }));
  }
  ASSERT_TRUE(WaitUntil([&]() { return fleet_->Stats(0).in_flight() == 1; }));
  fleet_->ResetStats();
  EXPECT_THAT(RunCalls(*two, 1, 60).failures, IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(0), 0);
}

TEST_F(SharedPoolTest, APoolThatOneChannelLeavesServesTheOther) {
  auto pool = BackendPool::Create();
  auto one = Connect("", pool);
  auto two = Connect("", pool);
  pool->MarkUnhealthy(fleet_->address(1));
  one.reset();
  EXPECT_EQ(pool->GetAllBackends().size(), 3u);
  EXPECT_EQ(pool->GetHealthyBackends().size(), 2u) << "the mark stays";
  for (int i = 0; i < 10; ++i) EXPECT_NE(two->Call().served_by, "b1");
  two.reset();
  EXPECT_TRUE(WaitUntil([&]() { return ListedBackends(*pool) == 0; }));
  EXPECT_THAT(Addresses(pool->GetAllBackends()),
              UnorderedElementsAre(fleet_->address(1)))
      << "the mark is remembered";
}

TEST_F(SharedPoolTest, ChannelsWithPoolsOfTheirOwnDoNotMeet) {
  auto one = Connect("");
  auto two = Connect("");
  one->pool().MarkUnhealthy(fleet_->address(0));
  EXPECT_EQ(two->pool().GetHealthyBackends().size(), 3u);
  fleet_->ResetStats();
  EXPECT_THAT(RunCalls(*two, 1, 30).failures, IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(0), 10);
}

// Marks from many threads while calls run: no call fails as long as one
// backend is never marked.
TEST_F(SharedPoolTest, MarksUnderLoadLoseNoCall) {
  auto client = Connect("");
  BackgroundLoad load(*client, /*threads=*/4);
  std::atomic<bool> stop{false};
  std::vector<std::thread> markers;
  for (size_t i = 0; i < 2; ++i) {
    markers.emplace_back([&, i]() {
      while (!stop.load()) {
        client->pool().MarkUnhealthy(fleet_->address(i));
        client->pool().MarkHealthy(fleet_->address(i));
        std::this_thread::yield();
      }
    });
  }
  EXPECT_TRUE(WaitUntil([&]() { return load.calls() > 1000; }));
  stop.store(true);
  for (std::thread& marker : markers) marker.join();
  EXPECT_THAT(load.Stop().failures, IsEmpty());
  EXPECT_EQ(client->pool().GetHealthyBackends().size(), 3u);
  EXPECT_TRUE(WaitUntil([&]() { return client->IsIdle(); }));
}

}  // namespace
}  // namespace multi_backend

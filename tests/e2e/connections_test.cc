// Several connections to one backend: how many there are, which calls they
// carry, and that no call fails when one is opened or closed.

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/accepted_connections.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/started_call.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Calls = std::vector<std::unique_ptr<StartedCall>>;

// Breaks one of this process's connections to the port.  Returns false if there
// is none.
bool BreakOneConnectionTo(int port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in6 peer = {};  // The port of an IPv4 address has the same offset.
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) &&
        ntohs(peer.sin6_port) == port) {
      return shutdown(fd, SHUT_RDWR) == 0;
    }
  }
  return false;
}

class ConnectionsTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}) {
    auto fleet = BackendFleet::Start(1, flags);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  // With an empty `pool_config` the configuration has no `pool`.
  std::unique_ptr<UsersClient> Connect(
      absl::string_view pool_config,
      std::shared_ptr<BackendPool> backends = nullptr) {
    ChannelOptions options;
    options.service_config_json =
        pool_config.empty()
            ? "{}"
            : ServiceConfig(absl::StrCat(R"("pool":)", pool_config));
    options.pool = std::move(backends);
    options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return nullptr;
    EXPECT_TRUE((*client)->ConnectTo(fleet_->addresses()));
    return *std::move(client);
  }

  int Accepted() { return AcceptedConnections(fleet_->server(0).port()); }
  bool HasConnections(int count) {
    return WaitUntil([&]() { return Accepted() == count; });
  }
  // gRPC reads its connections only while a thread waits for a call.
  bool HasConnectionsUnderCalls(UsersClient& client, int count) {
    return WaitUntil([&]() {
      client.Call();
      return Accepted() == count;
    });
  }
  bool HasBegun(int64_t calls) {
    return WaitUntil([&]() { return fleet_->Stats(0).in_flight() == calls; });
  }
  static std::unique_ptr<StartedCall> StartCall(UsersClient& client) {
    return std::make_unique<StartedCall>(client);
  }
  // Returns the events, each as "1 2: all connections are full".
  static std::vector<std::string> ConnectionEvents(UsersClient& client) {
    std::vector<std::string> events;
    for (const PoolEvent& event : client.pool().GetEvents()) {
      if (event.kind != PoolEvent::Kind::kConnections) continue;
      EXPECT_EQ(event.who, client.pool().GetAllBackends()[0].address);
      events.push_back(
          absl::StrCat(event.from, " ", event.to, ": ", event.reason));
    }
    return events;
  }

  std::unique_ptr<BackendFleet> fleet_;
};

// More calls at a time than a pool puts on one connection by default, so a pool
// would open another one.
TEST_F(ConnectionsTest, WithoutAPoolThereIsOne) {
  constexpr int64_t kCalls = 110;
  Start();
  for (const char* pool_config : {"", R"({"max":1})"}) {
    SCOPED_TRACE(pool_config);
    auto client = Connect(pool_config);
    fleet_->SetBehaviour(0, Hanging());
    Calls calls;
    for (int64_t i = 0; i < kCalls; ++i) calls.push_back(StartCall(*client));
    EXPECT_TRUE(HasBegun(kCalls));
    EXPECT_EQ(Accepted(), 1);
    fleet_->SetBehaviour(0, Succeeding());
    for (const auto& call : calls) {
      EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
    }
    EXPECT_THAT(ConnectionEvents(*client), IsEmpty());
    calls.clear();
    client.reset();
    EXPECT_TRUE(HasConnections(0)) << Accepted();
  }
}

TEST_F(ConnectionsTest, TheFirstOnesAreKeptWarm) {
  Start();
  auto client = Connect(R"({"min":3,"max":5,"idleTimeout":"0.2s"})");
  EXPECT_TRUE(HasConnections(3)) << Accepted();
  EXPECT_THAT(RunCalls(*client, 8, 200).failures, IsEmpty());
  EXPECT_EQ(Accepted(), 3) << "nobody was full";
}

TEST_F(ConnectionsTest, DeadOnesAreReplaced) {
  Start();
  auto client = Connect(R"({"min":3,"max":3})");
  ASSERT_TRUE(HasConnections(3));
  // Breaks one connection.  A call that is sent on it right now fails, because
  // there is no other backend.
  ASSERT_TRUE(BreakOneConnectionTo(fleet_->server(0).port()));
  EXPECT_TRUE(HasConnectionsUnderCalls(*client, 3)) << Accepted();
  EXPECT_THAT(RunCalls(*client, 4, 100).failures, IsEmpty());
  EXPECT_EQ(client->Backend(fleet_->address(0)).state, BackendState::kAlive);
  // Breaks all connections.
  ASSERT_TRUE(fleet_->server(0).Restart().ok());
  EXPECT_TRUE(HasConnectionsUnderCalls(*client, 3)) << Accepted();
  EXPECT_THAT(RunCalls(*client, 4, 100).failures, IsEmpty());
}

// The server allows only two streams on each connection.  So a call that has
// begun there was sent on a connection with room.
TEST_F(ConnectionsTest, AnotherOneIsOpenedWhenAllAreFullAndClosedWhenIdle) {
  Start({"--max-concurrent-streams", "2"});
  auto client = Connect(
      R"({"min":1,"max":3,"idleTimeout":"2s","maxStreamsPerConnection":2})");
  fleet_->SetBehaviour(0, Hanging());
  Calls calls;
  const int expected[] = {1, 2, 2, 3, 3, 3};
  for (int i = 0; i < 6; ++i) {
    calls.push_back(StartCall(*client));
    ASSERT_TRUE(HasBegun(i + 1)) << i;
    ASSERT_TRUE(HasConnections(expected[i])) << i << ": " << Accepted();
  }
  EXPECT_EQ(client->pool().GetAllBackends().size(), 1u);
  EXPECT_EQ(client->Backend(fleet_->address(0)).in_flight, 6);
  EXPECT_THAT(ConnectionEvents(*client),
              ElementsAre("1 2: all connections are full",
                          "2 3: all connections are full"));

  // The newest connection keeps its call, the second one has none left.
  // (A call that has ended holds its connection as long as its context lives.)
  for (int i = 0; i < 5; ++i) calls[i].reset();
  EXPECT_TRUE(HasConnections(2)) << Accepted();
  EXPECT_FALSE(calls[5]->done());
  EXPECT_EQ(client->Backend(fleet_->address(0)).in_flight, 1);
  fleet_->SetBehaviour(0, Succeeding());
  EXPECT_TRUE(calls[5]->Wait().ok()) << calls[5]->Wait().error_message();
  calls.clear();
  EXPECT_TRUE(HasConnections(1)) << Accepted();
  EXPECT_TRUE(WaitUntil([&]() { return client->IsIdle(); }));
  EXPECT_TRUE(client->Call().ok());
  EXPECT_EQ(ConnectionEvents(*client).back().substr(0, 4), "2 1:");
}

// None of these calls ends by itself, so one that waited for another's stream
// would never begin.
TEST_F(ConnectionsTest, CallsThatBeginTogetherAllGetAStream) {
  constexpr int kCalls = 8;
  Start({"--max-concurrent-streams", "2"});
  auto client = Connect(R"({"min":1,"max":4,"maxStreamsPerConnection":2})");
  fleet_->SetBehaviour(0, Hanging());
  Calls calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(StartCall(*client));
  EXPECT_TRUE(HasBegun(kCalls)) << fleet_->Stats(0).in_flight();
  EXPECT_EQ(Accepted(), 4);
  fleet_->SetBehaviour(0, Succeeding());
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
  }
}

TEST_F(ConnectionsTest, ChannelsWithEqualSettingsShareThem) {
  Start();
  auto backends = BackendPool::Create();
  const char* const settings = R"({"min":2,"max":4})";
  auto one = Connect(settings, backends);
  ASSERT_TRUE(HasConnections(2));
  auto two = Connect(settings, backends);
  EXPECT_THAT(RunCalls(*two, 4, 100).failures, IsEmpty());
  EXPECT_EQ(Accepted(), 2);
  auto of_its_own = Connect(settings);
  EXPECT_THAT(RunCalls(*of_its_own, 4, 100).failures, IsEmpty());
  EXPECT_EQ(Accepted(), 2);
  one.reset();
  two.reset();
  EXPECT_THAT(RunCalls(*of_its_own, 4, 100).failures, IsEmpty());
  EXPECT_EQ(Accepted(), 2) << "whoever leaves";
  of_its_own.reset();
  EXPECT_TRUE(HasConnections(0)) << Accepted();
}

TEST_F(ConnectionsTest, GrowingAndShrinkingLosesNoCall) {
  Start({"--delay-ms", "2", "--max-concurrent-streams", "4"});
  auto client = Connect(
      R"({"min":1,"max":4,"idleTimeout":"0.1s","maxStreamsPerConnection":4})");
  for (int round = 0; round < 4; ++round) {
    const LoadResult load = RunCalls(*client, /*threads=*/16, /*calls=*/400);
    EXPECT_THAT(load.failures, IsEmpty());
    EXPECT_TRUE(HasConnections(1)) << Accepted();
  }
  // The set of busy connections changes all the time.
  BackgroundLoad steady(*client, /*threads=*/2);
  for (int round = 0; round < 4; ++round) {
    EXPECT_THAT(RunCalls(*client, /*threads=*/14, /*calls=*/300).failures,
                IsEmpty());
    const int64_t before = steady.calls();
    EXPECT_TRUE(WaitUntil([&]() { return steady.calls() > before + 100; }));
  }
  EXPECT_THAT(steady.Stop().failures, IsEmpty());
  EXPECT_TRUE(HasConnections(1)) << Accepted();
  EXPECT_TRUE(WaitUntil([&]() { return client->IsIdle(); }));
  EXPECT_GE(ConnectionEvents(*client).size(), 8u);
}

}  // namespace
}  // namespace multi_backend

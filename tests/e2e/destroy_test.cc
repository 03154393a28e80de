// A channel that is destroyed in any phase leaves nothing behind: no thread, no
// socket, no backend in its pool.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/http2_frames.h"
#include "multi_backend/tests/testing/listed_fleet_test.h"
#include "multi_backend/tests/testing/loopback_listener.h"
#include "multi_backend/tests/testing/process_usage.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using Calls = std::vector<std::unique_ptr<PendingCall>>;

constexpr int kTimes = 50;

struct Phase {
  const char* name;
  const char* policy;
  // Brings the backends into the state in which the channel finds them.
  void (*prepare)(BackendFleet&);
  int calls;  // The number of calls under way.
  // Whether the channel is in its phase.
  bool (*reached)(UsersClient&);
};

void SetAll(BackendFleet& fleet, const examples::users::v1::Behaviour& to) {
  for (size_t i = 0; i < fleet.size(); ++i) fleet.SetBehaviour(i, to);
}

void StopAll(BackendFleet& fleet) {
  for (size_t i = 0; i < fleet.size(); ++i) fleet.server(i).Stop();
}

bool HasGrown(UsersClient& client) {
  for (const PoolEvent& event : client.pool().GetEvents()) {
    if (event.kind == PoolEvent::Kind::kConnections) return true;
  }
  return false;
}

class DestroyTest : public ::testing::TestWithParam<Phase> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    GetParam().prepare(*fleet_);
  }

  // Makes a channel, brings it into the phase, and destroys it.
  void Round() {
    const Phase& phase = GetParam();
    ChannelOptions options;
    options.service_config_json = ServiceConfig(phase.policy);
    auto pool = BackendPool::Create();
    options.pool = pool;
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    {
      Calls calls;
      for (int i = 0; i < phase.calls; ++i) {
        calls.push_back(std::make_unique<PendingCall>(**client, UsersCall()));
      }
      ASSERT_TRUE(WaitUntil([&]() { return phase.reached(**client); }));
      // The calls are cancelled here, and the channel goes right after.
    }
    client->reset();
    ASSERT_TRUE(WaitUntil([&]() { return ListedBackends(*pool) == 0; }));
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_P(DestroyTest, LeavesNothingBehind) {
  // gRPC's own threads come with the first channels, and on a busy machine some
  // come later.
  for (int i = 0; i < kTimes; ++i) ASSERT_NO_FATAL_FAILURE(Round());
  ProcessUsage before;
  ASSERT_TRUE(WaitUntil([&before]() {
    const ProcessUsage now = ProcessUsage::Now();
    const bool steady = now.threads <= before.threads &&
                        now.file_descriptors <= before.file_descriptors;
    before = now;
    return steady;
  }));
  for (int i = 0; i < kTimes; ++i) ASSERT_NO_FATAL_FAILURE(Round());
  ProcessUsage after;
  EXPECT_TRUE(WaitUntil([&]() {
    after = ProcessUsage::Now();
    // gRPC keeps some threads.  If each channel left one behind, there would be
    // kTimes of them.
    return after.threads <= before.threads + 4 &&
           after.file_descriptors <= before.file_descriptors;
  })) << after.threads
      << " threads after " << before.threads << ", " << after.file_descriptors
      << " descriptors after " << before.file_descriptors;
}

INSTANTIATE_TEST_SUITE_P(
    Phases, DestroyTest,
    ::testing::Values(
        // The kernel of a stopped server accepts connections, but its HTTP/2
        // settings never arrive.
        Phase{"Connecting", "", StopAll, 2,
              [](UsersClient& client) {
                return ListedBackends(client.pool()) == 2;
              }},
        Phase{"WaitingInTheBacklog",
              R"("maxRequestsPerBackend":1,
                 "backlog":{"limit":10,"timeout":"60s"})",
              [](BackendFleet& fleet) { SetAll(fleet, Hanging()); }, 4,
              [](UsersClient& client) { return client.InFlight() == 2; }},
        Phase{"Retrying", R"("failover":{"perTryTimeout":"0.02s"})",
              [](BackendFleet& fleet) { SetAll(fleet, Hanging()); }, 2,
              [](UsersClient& client) { return client.Attempts() > 2; }},
        // The state shows that probes run.
        Phase{"Probing",
              R"("health":{"active":{"interval":"0.01s","timeout":"60s",
                                     "unhealthyAfter":1}})",
              [](BackendFleet& fleet) { SetAll(fleet, NotServing()); }, 1,
              [](UsersClient& client) {
                return client.pool().GetHealthyBackends().empty();
              }},
        Phase{"GrowingAPool", R"("pool":{"max":4,"maxStreamsPerConnection":1})",
              [](BackendFleet& fleet) { SetAll(fleet, Hanging()); }, 6,
              HasGrown}),
    [](const ::testing::TestParamInfo<Phase>& info) {
      return std::string(info.param.name);
    });

// A server of one connection, which sends its HTTP/2 settings when the test
// says so.
class LateServer {
 public:
  LateServer() = default;
  ~LateServer() { close(connection_); }
  LateServer(const LateServer&) = delete;
  LateServer& operator=(const LateServer&) = delete;

  uint16_t port() const { return listener_.port(); }
  std::string address() const { return listener_.address(); }

  // Waits until a client has connected and sent its preface.
  bool Accept() {
    if (!IsReadable(listener_.fd(), kTestTimeout)) return false;
    connection_ = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    return IsReadable(connection_, kTestTimeout);
  }
  void SendSettings() {
    const std::string settings = http2::Settings();
    EXPECT_EQ(send(connection_, settings.data(), settings.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(settings.size()));
  }
  // Reads what has arrived.  Returns whether the client has closed the
  // connection.
  bool IsClosed() {
    char ignored[1024];
    while (IsReadable(connection_, absl::ZeroDuration())) {
      if (read(connection_, ignored, sizeof(ignored)) <= 0) return true;
    }
    return false;
  }

 private:
  static bool IsReadable(int fd, absl::Duration timeout) {
    pollfd readable = {fd, POLLIN, 0};
    return poll(&readable, 1,
                static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1;
  }

  const LoopbackListener listener_;
  int connection_ = -1;
};

// Core 1.51 forgets a connection whose subchannel has gone when the server's
// settings arrive (core::ReleaseConnecting()).
class LateSettingsTest : public ListedFleetTest {
 protected:
  // gRPC reads its connections while a thread waits for a call.  Core's
  // deadline for an attempt is 20 s, so it is not what closes a connection
  // earlier.
  void ExpectClosedUnderCalls(LateServer& server) {
    auto other = UsersClient::Make(fleet_->StaticTarget(), ServiceConfig(""));
    ASSERT_TRUE(other.ok()) << other.status();
    EXPECT_TRUE((*other)->Call().ok());
    server.SendSettings();
    EXPECT_TRUE(WaitUntil(
        [&]() {
          (*other)->Call();
          return server.IsClosed();
        },
        absl::Seconds(15)));
  }
};

TEST_F(LateSettingsTest, TheConnectionOfADestroyedChannelIsClosed) {
  LateServer server;
  {
    auto client = UsersClient::Make(absl::StrCat("static:", server.address()),
                                    ServiceConfig(""));
    ASSERT_TRUE(client.ok()) << client.status();
    const PendingCall call(**client, UsersCall());
    ASSERT_TRUE(server.Accept());
  }
  ExpectClosedUnderCalls(server);
}

TEST_F(LateSettingsTest, TheConnectionOfARemovedBackendIsClosed) {
  LateServer server;
  group_->SetEndpoints({Endpoint::Of("127.0.0.1", server.port())});
  auto client = UsersClient::Make(kTarget, ServiceConfig(""));
  ASSERT_TRUE(client.ok()) << client.status();
  PendingCall call(**client, UsersCall());
  ASSERT_TRUE(server.Accept());
  group_->SetEndpoints(List({0}));
  EXPECT_TRUE(call.Wait().ok());  // The channel has the new list.
  ExpectClosedUnderCalls(server);
}

}  // namespace
}  // namespace multi_backend

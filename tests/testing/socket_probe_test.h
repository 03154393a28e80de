// SocketProbeTest: tests that every probe with connections of its own must
// pass.
//
// A test of such a probe includes this file and instantiates the suite with the
// function that makes the probe's factory:
//
//   INSTANTIATE_TEST_SUITE_P(Tcp, SocketProbeTest,
//                            ::testing::Values(&MakeTcpProbeFactory));
#ifndef MULTI_BACKEND_TESTS_TESTING_SOCKET_PROBE_TEST_H_
#define MULTI_BACKEND_TESTS_TESTING_SOCKET_PROBE_TEST_H_

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/fixed_server.h"
#include "multi_backend/tests/testing/probe_answer.h"

namespace multi_backend {

using MakeProbeFactory =
    std::unique_ptr<ProbeFactory> (*)(const ActiveHealthConfig&);

class SocketProbeTest : public ::testing::TestWithParam<MakeProbeFactory> {
 protected:
  // Far above what anything here needs.
  static constexpr absl::Duration kLong = absl::Seconds(30);
  // An answer that every kind of probe accepts as healthy.
  static constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

  static std::unique_ptr<Probe> ProbeOf(const Endpoint& endpoint,
                                        const ActiveHealthConfig& config = {}) {
    return GetParam()(config)->Make(endpoint, endpoint.address());
  }
};

TEST_P(SocketProbeTest, AskingAgainAndAgainWorks) {
  FixedServer server(kOk);
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(AskOnce(*probe).healthy);
}

TEST_P(SocketProbeTest, Ipv6AddressesWork) {
  FixedServer server(kOk, AF_INET6);
  const ProbeResult result =
      AskOnce(*ProbeOf(Endpoint::Of("::1", server.port())));
  EXPECT_TRUE(result.healthy) << result.detail;
}

TEST_P(SocketProbeTest, AnotherPortIsAskedWhenConfigured) {
  FixedServer server(kOk);
  ActiveHealthConfig config;
  config.port = server.port();
  EXPECT_TRUE(AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", ClosedPort()), config))
                  .healthy);
}

TEST_P(SocketProbeTest, ANameThatNobodyHasLookedUpIsLookedUp) {
  FixedServer server(kOk);
  const ProbeResult result =
      AskOnce(*ProbeOf(Endpoint::Of("localhost", server.port())));
  EXPECT_TRUE(result.healthy) << result.detail;
}

TEST_P(SocketProbeTest, ARefusedConnectionIsUnhealthy) {
  const ProbeResult result =
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", ClosedPort())));
  EXPECT_FALSE(result.healthy);
  EXPECT_THAT(result.detail, ::testing::HasSubstr("Failed to connect"));
}

TEST_P(SocketProbeTest, AnAddressThatIsNoneIsUnhealthy) {
  const auto probe = GetParam()({})->Make(Endpoint::Of("a", 1), "/run/a.sock");
  const ProbeResult result = AskOnce(*probe);
  EXPECT_FALSE(result.healthy);
  EXPECT_THAT(result.detail, ::testing::Not(::testing::HasSubstr("timed out")));
}

TEST_P(SocketProbeTest, NoResultComesAfterTheDestructor) {
  FixedServer server(kOk);
  for (int round = 0; round < 100; ++round) {
    auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
    std::atomic<bool> destroyed{false};
    probe->Start(kLong, [&](ProbeResult) { EXPECT_FALSE(destroyed); });
    if (round % 2 == 0) std::this_thread::yield();
    probe.reset();
    destroyed = true;
  }
}

TEST_P(SocketProbeTest, MayBeDestroyedByItsResultAndAskAgainFromIt) {
  FixedServer server(kOk);
  for (int round = 0; round < 20; ++round) {
    auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
    Event destroyed;
    probe->Start(kLong, [&](ProbeResult) {
      probe->Start(kLong, [&](ProbeResult) {
        probe.reset();
        destroyed.Set();
      });
    });
    ASSERT_TRUE(destroyed.Await());
  }
}

TEST_P(SocketProbeTest, LeavesNoSocketAndNoThread) {
  FixedServer server(kOk);
  const size_t sockets = EntriesOf("/proc/self/fd");
  const size_t threads = EntriesOf("/proc/self/task");
  for (int round = 0; round < 10; ++round) {
    const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(AskOnce(*probe).healthy);
  }
  EXPECT_LE(SettledEntriesOf("/proc/self/fd", sockets), sockets);
  EXPECT_LE(SettledEntriesOf("/proc/self/task", threads), threads);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SOCKET_PROBE_TEST_H_

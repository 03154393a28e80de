#include "multi_backend/health/probes/tcp_probe.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/black_hole.h"
#include "multi_backend/tests/testing/fixed_server.h"
#include "multi_backend/tests/testing/probe_answer.h"
#include "multi_backend/tests/testing/slow_names.h"
#include "multi_backend/tests/testing/socket_probe_test.h"

namespace multi_backend {

INSTANTIATE_TEST_SUITE_P(Tcp, SocketProbeTest,
                         ::testing::Values(&MakeTcpProbeFactory));

namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);

std::unique_ptr<Probe> ProbeOf(const Endpoint& endpoint) {
  return MakeTcpProbeFactory({})->Make(endpoint, endpoint.address());
}

std::set<int> OpenDescriptors() {
  std::set<int> open;
  for (int fd = 0; fd < 256; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.insert(fd);
  }
  return open;
}

// The first test of the program, because the probes of an earlier one might
// still be closing their descriptors.
TEST(TcpProbeInheritanceTest, ProgramsThatTheProcessStartsInheritNothing) {
  BlackHole server;
  const std::set<int> before = OpenDescriptors();
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  probe->Start(kLong, [](ProbeResult) {});
  // The descriptor that wakes the thread, and the socket.
  const absl::Time end = absl::Now() + kLong;
  while (OpenDescriptors().size() < before.size() + 2 && absl::Now() < end) {
    std::this_thread::yield();
  }
  const std::set<int> after = OpenDescriptors();
  EXPECT_EQ(after.size(), before.size() + 2);
  for (const int fd : after) {
    if (before.count(fd) != 0) continue;
    EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << fd;
  }
}

TEST(TcpProbeTest, AServerThatSaysNothingIsHealthy) {
  FixedServer server("");
  const ProbeResult result =
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port())));
  EXPECT_TRUE(result.healthy);
  EXPECT_EQ(result.detail, "connected");
  EXPECT_EQ(server.request(), "") << "nothing is sent";
}

TEST(TcpProbeTest, SaysWhyAConnectionIsRefused) {
  const Endpoint nobody = Endpoint::Of("127.0.0.1", ClosedPort());
  EXPECT_EQ(
      AskOnce(*ProbeOf(nobody)).detail,
      "Failed to connect to " + nobody.address() + ": Connection refused");
}

TEST(TcpProbeTest, AConnectionThatDoesNotOpenIsUnhealthyAfterTheTimeout) {
  BlackHole server;
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  for (int i = 0; i < 2; ++i) {
    const absl::Time begin = absl::Now();
    const ProbeResult result = AskOnce(*probe, absl::Milliseconds(200));
    EXPECT_FALSE(result.healthy);
    EXPECT_EQ(result.detail, "no answer in 200ms");
    EXPECT_GE(absl::Now() - begin, absl::Milliseconds(190));
    EXPECT_LE(absl::Now() - begin, absl::Seconds(5));
  }
}

TEST(TcpProbeTest, AConnectionThatDoesNotOpenHoldsUpNoOther) {
  BlackHole full;
  FixedServer server("");
  const auto stuck = ProbeOf(Endpoint::Of("127.0.0.1", full.port()));
  stuck->Start(absl::Hours(1000000), [](ProbeResult) { FAIL(); });
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(AskOnce(*probe).healthy);
}

TEST(TcpProbeTest, OfManyNamesABoundedNumberIsResolvedAtATime) {
  constexpr int kNames = 300;
  constexpr int kMostAtATime = 256;
  FixedServer server("");
  SlowNames slow;
  std::atomic<int> failed{0};
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < 2 * kNames; ++i) {
    probes.push_back(
        ProbeOf(Endpoint::Of(absl::StrCat("n", i / 2, ".slow.test"), 1)));
    probes.back()->Start(kLong, [&failed](const ProbeResult& result) {
      EXPECT_THAT(result.detail, HasSubstr("Could not resolve host: n"));
      ++failed;
    });
  }
  const absl::Time end = absl::Now() + kLong;
  while (slow.waiting() < kMostAtATime && absl::Now() < end) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port()))).healthy)
      << "it needs no name";
  slow.Release();
  while (failed < 2 * kNames && absl::Now() < end) std::this_thread::yield();
  EXPECT_EQ(failed, 2 * kNames);
  EXPECT_EQ(slow.begun(), kNames) << "each name once";
  EXPECT_EQ(slow.most_waiting(), kMostAtATime);
}

TEST(TcpProbeTest, NoResultComesAfterTheDestructorWhateverItWaitsFor) {
  BlackHole server;
  for (const char* host : {"127.0.0.1", "localhost"}) {
    for (int round = 0; round < 50; ++round) {
      auto probe = ProbeOf(Endpoint::Of(host, server.port()));
      std::atomic<bool> destroyed{false};
      probe->Start(kLong, [&](ProbeResult) { EXPECT_FALSE(destroyed); });
      if (round % 2 == 0) std::this_thread::yield();
      probe.reset();
      destroyed = true;
    }
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/health/probes/curl/probe.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/directory_entries.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/probe_answer.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Far above what anything here takes.
constexpr absl::Duration kLong = absl::Seconds(30);

// A server on the loopback interface that answers each request with the same
// bytes, one connection at a time.
class FixedServer {
 public:
  // `answer` "": accepts, reads and never answers.  `family`: AF_INET or
  // AF_INET6.
  explicit FixedServer(std::string answer, int family = AF_INET)
      : answer_(std::move(answer)), listener_(socket(family, SOCK_STREAM, 0)) {
    sockaddr_in6 v6 = {};
    sockaddr_in v4 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* address = family == AF_INET ? reinterpret_cast<sockaddr*>(&v4)
                                      : reinterpret_cast<sockaddr*>(&v6);
    socklen_t length = family == AF_INET ? sizeof(v4) : sizeof(v6);
    if (bind(listener_, address, length) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, address, &length) != 0) {
      ADD_FAILURE() << "cannot listen";
      abort();
    }
    port_ = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
    thread_ = std::thread([this] { Serve(); });
  }

  ~FixedServer() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  uint16_t port() const { return port_; }
  // The newest request's head.
  std::string request() {
    std::lock_guard<std::mutex> lock(mu_);
    return request_;
  }

 private:
  void Serve() {
    while (!stopped_) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      Answer(connection);
      close(connection);
    }
  }

  void Answer(int connection) {
    std::string head;
    char buffer[1024];
    pollfd readable = {connection, POLLIN, 0};
    while (!stopped_) {
      if (poll(&readable, 1, /*timeout=*/20) == 0) continue;
      const ssize_t count = read(connection, buffer, sizeof(buffer));
      if (count <= 0) return;
      head.append(buffer, count);
      if (!absl::EndsWith(head, "\r\n\r\n")) continue;
      {
        std::lock_guard<std::mutex> lock(mu_);
        request_ = head;
      }
      if (answer_.empty()) continue;
      size_t sent = 0;
      while (sent < answer_.size()) {
        const ssize_t n = send(connection, answer_.data() + sent,
                               answer_.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return;
        sent += n;
      }
      return;
    }
  }

  const std::string answer_;
  const int listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
  std::mutex mu_;
  std::string request_;
  std::thread thread_;
};

std::string HttpAnswer(absl::string_view status, absl::string_view body = "",
                       absl::string_view header = "") {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(),
                      "\r\n", header, "\r\n", body);
}

// A port of this machine where nobody listens.
uint16_t ClosedPort() {
  FixedServer server("");
  return server.port();
}

ActiveHealthConfig ConfigOf(ProbeKind kind) {
  ActiveHealthConfig config;
  config.probe = kind;
  return config;
}

std::unique_ptr<Probe> ProbeOf(const ActiveHealthConfig& config,
                               const Endpoint& endpoint) {
  return MakeCurlProbeFactory(config)->Make(endpoint, endpoint.address());
}

TEST(HttpProbeTest, OnlyStatus200IsHealthy) {
  struct Row {
    std::string answer;
    bool healthy;
    const char* detail;
  };
  for (const Row& row : {
           Row{HttpAnswer("200 OK"), true, "HTTP status 200"},
           Row{HttpAnswer("200 OK", "some text"), true, "HTTP status 200"},
           Row{HttpAnswer("204 No Content"), false, "HTTP status 204"},
           Row{HttpAnswer("404 Not Found", "x"), false, "HTTP status 404"},
           Row{HttpAnswer("503 Service Unavailable"), false, "HTTP status 503"},
           Row{HttpAnswer("302 Found", "", "Location: http://127.0.0.1:1/\r\n"),
               false, "HTTP status 302"},
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false,
               "transfer closed"},
           Row{"what?\r\n\r\n", false, "HTTP/0.9"},
       }) {
    FixedServer server(row.answer);
    const auto probe = ProbeOf(ConfigOf(ProbeKind::kHttp),
                               Endpoint::Of("127.0.0.1", server.port()));
    const ProbeResult result = AskOnce(*probe);
    EXPECT_EQ(result.healthy, row.healthy) << row.answer;
    EXPECT_THAT(result.detail, HasSubstr(row.detail)) << row.answer;
  }
}

TEST(HttpProbeTest, AsksForThePathUnderTheEndpointsName) {
  FixedServer server(HttpAnswer("200 OK"));
  ActiveHealthConfig config = ConfigOf(ProbeKind::kHttp);
  config.path = "/healthz?a=b";
  const auto probe = MakeCurlProbeFactory(config)->Make(
      Endpoint::Of("users.example", server.port()),
      absl::StrCat("127.0.0.1:", server.port()));
  EXPECT_TRUE(AskOnce(*probe).healthy);
  EXPECT_THAT(server.request(), HasSubstr("GET /healthz?a=b HTTP/1.1\r\n"));
  EXPECT_THAT(server.request(),
              HasSubstr(absl::StrCat("\r\nHost: users.example:", server.port(),
                                     "\r\n")));
}

TEST(HttpProbeTest, AnotherPortIsAskedWhenConfigured) {
  FixedServer server(HttpAnswer("200 OK"));
  ActiveHealthConfig config = ConfigOf(ProbeKind::kHttp);
  config.port = server.port();
  EXPECT_TRUE(AskOnce(*ProbeOf(config, Endpoint::Of("127.0.0.1", ClosedPort())))
                  .healthy);
  EXPECT_THAT(server.request(),
              HasSubstr(absl::StrCat("Host: 127.0.0.1:", server.port())));
}

TEST(HttpProbeTest, APathCannotBecomeAnotherHost) {
  FixedServer server(HttpAnswer("200 OK"));
  ActiveHealthConfig config = ConfigOf(ProbeKind::kHttp);
  config.path = "@192.0.2.1/";
  EXPECT_TRUE(
      AskOnce(*ProbeOf(config, Endpoint::Of("127.0.0.1", server.port())))
          .healthy);
  EXPECT_THAT(server.request(), HasSubstr("GET /@192.0.2.1/ "));
}

TEST(HttpProbeTest, ABodyWithoutEndIsCutAndTheStatusCounts) {
  FixedServer server(
      absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
                   std::string(1 << 20, 'x')));
  EXPECT_TRUE(AskOnce(*ProbeOf(ConfigOf(ProbeKind::kHttp),
                               Endpoint::Of("127.0.0.1", server.port())))
                  .healthy);
}

TEST(HttpProbeTest, AServerThatDoesNotAnswerIsUnhealthyAfterTheTimeout) {
  FixedServer server("");
  const auto probe = ProbeOf(ConfigOf(ProbeKind::kHttp),
                             Endpoint::Of("127.0.0.1", server.port()));
  const absl::Time begin = absl::Now();
  const ProbeResult result = AskOnce(*probe, absl::Milliseconds(200));
  EXPECT_FALSE(result.healthy);
  EXPECT_EQ(result.detail, "no answer in 200ms");
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(190));
  EXPECT_LE(absl::Now() - begin, absl::Seconds(5));
}

TEST(HttpProbeTest, TheEnvironmentsProxyIsNotUsed) {
  FixedServer server(HttpAnswer("200 OK"));
  const std::string nowhere = absl::StrCat("http://127.0.0.1:", ClosedPort());
  setenv("http_proxy", nowhere.c_str(), 1);
  setenv("all_proxy", nowhere.c_str(), 1);
  EXPECT_TRUE(AskOnce(*ProbeOf(ConfigOf(ProbeKind::kHttp),
                               Endpoint::Of("127.0.0.1", server.port())))
                  .healthy);
  unsetenv("http_proxy");
  unsetenv("all_proxy");
}

// What HTTP and TCP have in common.
class CurlProbeTest : public ::testing::TestWithParam<ProbeKind> {};

TEST_P(CurlProbeTest, AskingAgainAndAgainWorks) {
  FixedServer server(HttpAnswer("200 OK"));
  const auto probe =
      ProbeOf(ConfigOf(GetParam()), Endpoint::Of("127.0.0.1", server.port()));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(AskOnce(*probe).healthy);
}

TEST_P(CurlProbeTest, Ipv6AddressesWork) {
  FixedServer server(HttpAnswer("200 OK"), AF_INET6);
  const ProbeResult result = AskOnce(
      *ProbeOf(ConfigOf(GetParam()), Endpoint::Of("::1", server.port())));
  EXPECT_TRUE(result.healthy) << result.detail;
}

TEST_P(CurlProbeTest, ARefusedConnectionIsUnhealthy) {
  const ProbeResult result = AskOnce(
      *ProbeOf(ConfigOf(GetParam()), Endpoint::Of("127.0.0.1", ClosedPort())));
  EXPECT_FALSE(result.healthy);
  EXPECT_THAT(result.detail, HasSubstr("Failed to connect"));
}

TEST_P(CurlProbeTest, AnAddressThatIsNoneIsUnhealthy) {
  const auto probe = MakeCurlProbeFactory(ConfigOf(GetParam()))
                         ->Make(Endpoint::Of("a", 1), "/run/a.sock");
  const ProbeResult result = AskOnce(*probe);
  EXPECT_FALSE(result.healthy);
  EXPECT_THAT(result.detail, Not(HasSubstr("timed out")));
}

TEST_P(CurlProbeTest, NoResultComesAfterTheDestructor) {
  FixedServer server(HttpAnswer("200 OK"));
  for (int round = 0; round < 100; ++round) {
    auto probe =
        ProbeOf(ConfigOf(GetParam()), Endpoint::Of("127.0.0.1", server.port()));
    std::atomic<bool> destroyed{false};
    probe->Start(kLong, [&](ProbeResult) { EXPECT_FALSE(destroyed); });
    if (round % 2 == 0) std::this_thread::yield();
    probe.reset();
    destroyed = true;
  }
}

TEST_P(CurlProbeTest, MayBeDestroyedByItsResultAndAskAgainFromIt) {
  FixedServer server(HttpAnswer("200 OK"));
  for (int round = 0; round < 20; ++round) {
    auto probe =
        ProbeOf(ConfigOf(GetParam()), Endpoint::Of("127.0.0.1", server.port()));
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

// The server's end of a connection, and what the kernel keeps of a thread, may
// go a moment later.
void AwaitAtMost(const char* directory, size_t count) {
  const absl::Time end = absl::Now() + kLong;
  while (EntriesOf(directory) > count && absl::Now() < end) {
    std::this_thread::yield();
  }
  EXPECT_LE(EntriesOf(directory), count) << directory;
}

TEST_P(CurlProbeTest, LeavesNoSocketAndNoThread) {
  FixedServer server(HttpAnswer("200 OK"));
  const size_t sockets = EntriesOf("/proc/self/fd");
  const size_t threads = EntriesOf("/proc/self/task");
  for (int round = 0; round < 10; ++round) {
    const auto probe =
        ProbeOf(ConfigOf(GetParam()), Endpoint::Of("127.0.0.1", server.port()));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(AskOnce(*probe).healthy);
  }
  AwaitAtMost("/proc/self/fd", sockets);
  AwaitAtMost("/proc/self/task", threads);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CurlProbeTest,
                         ::testing::Values(ProbeKind::kHttp, ProbeKind::kTcp),
                         [](const ::testing::TestParamInfo<ProbeKind>& info) {
                           return info.param == ProbeKind::kHttp ? "Http"
                                                                 : "Tcp";
                         });

TEST(TcpProbeTest, AServerThatSaysNothingIsHealthy) {
  FixedServer server("");
  const ProbeResult result = AskOnce(*ProbeOf(
      ConfigOf(ProbeKind::kTcp), Endpoint::Of("127.0.0.1", server.port())));
  EXPECT_TRUE(result.healthy);
  EXPECT_EQ(result.detail, "connected");
  EXPECT_EQ(server.request(), "") << "nothing is sent";
}

}  // namespace
}  // namespace multi_backend

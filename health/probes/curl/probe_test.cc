#include "multi_backend/health/probes/curl/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/fixed_server.h"
#include "multi_backend/tests/testing/probe_answer.h"
#include "multi_backend/tests/testing/slow_names.h"
#include "multi_backend/tests/testing/socket_probe_test.h"
#include "multi_backend/tests/testing/store_process.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {

INSTANTIATE_TEST_SUITE_P(Http, SocketProbeTest,
                         ::testing::Values(&MakeHttpProbeFactory));

namespace {

using ::testing::HasSubstr;

std::string HttpAnswer(absl::string_view status, absl::string_view body = "",
                       absl::string_view header = "") {
  return absl::StrCat("HTTP/1.1 ", status, "\r\nContent-Length: ", body.size(),
                      "\r\n", header, "\r\n", body);
}

std::unique_ptr<Probe> ProbeOf(const Endpoint& endpoint,
                               const ActiveHealthConfig& config = {}) {
  return MakeHttpProbeFactory(config)->Make(endpoint, endpoint.address());
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
           // The releases of libcurl word the rest differently.
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false,
               "with 5 bytes"},
           Row{"what?\r\n\r\n", false, "HTTP/0.9"},
       }) {
    FixedServer server(row.answer);
    const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
    const ProbeResult result = AskOnce(*probe);
    EXPECT_EQ(result.healthy, row.healthy) << row.answer;
    EXPECT_THAT(result.detail, HasSubstr(row.detail)) << row.answer;
  }
}

TEST(HttpProbeTest, AsksForThePathUnderTheEndpointsName) {
  FixedServer server(HttpAnswer("200 OK"));
  ActiveHealthConfig config;
  config.path = "/healthz?a=b";
  const auto probe = MakeHttpProbeFactory(config)->Make(
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
  ActiveHealthConfig config;
  config.port = server.port();
  EXPECT_TRUE(AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", ClosedPort()), config))
                  .healthy);
  EXPECT_THAT(server.request(),
              HasSubstr(absl::StrCat("Host: 127.0.0.1:", server.port())));
}

TEST(HttpProbeTest, APathCannotBecomeAnotherHost) {
  FixedServer server(HttpAnswer("200 OK"));
  ActiveHealthConfig config;
  config.path = "@192.0.2.1/";
  EXPECT_TRUE(
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port()), config))
          .healthy);
  EXPECT_THAT(server.request(), HasSubstr("GET /@192.0.2.1/ "));
}

TEST(HttpProbeTest, ABodyWithoutEndIsCutAndTheStatusCounts) {
  FixedServer server(
      absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
                   std::string(1 << 20, 'x')));
  EXPECT_TRUE(
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port()))).healthy);
}

TEST(HttpProbeTest, ANameThatIsNotResolvedHoldsUpNoOther) {
  FixedServer server(HttpAnswer("200 OK"));
  SlowNames slow;
  const auto stuck = ProbeOf(Endpoint::Of("n.slow.test", 1));
  EXPECT_EQ(AskOnce(*stuck, absl::Milliseconds(200)).detail,
            "no answer in 200ms");
  EXPECT_TRUE(
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port()))).healthy);
  EXPECT_EQ(slow.waiting(), 1);
}

TEST(HttpProbeTest, AServerThatDoesNotAnswerIsUnhealthyAfterTheTimeout) {
  FixedServer server("");
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  const absl::Time begin = absl::Now();
  const ProbeResult result = AskOnce(*probe, absl::Milliseconds(200));
  EXPECT_FALSE(result.healthy);
  EXPECT_EQ(result.detail, "no answer in 200ms");
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(190));
  EXPECT_LE(absl::Now() - begin, absl::Seconds(5));
}

// A server that speaks TLS and answers each GET with status 200.
class TlsServer {
 public:
  explicit TlsServer(const TlsCertificates::Pair& pair) {
    for (int i = 0; i < StoreProcess::kAttempts; ++i) {
      auto process = StoreProcess::Make("https");
      EXPECT_TRUE(process.ok()) << process.status();
      process_ = *std::move(process);
      EXPECT_TRUE(process_
                      ->Launch({"/usr/bin/openssl", "s_server", "-accept",
                                process_->address(), "-www", "-key",
                                pair.key_file, "-cert", pair.cert_file})
                      .ok());
      const absl::Time end = absl::Now() + absl::Seconds(30);
      while (!absl::StrContains(process_->log(), "ACCEPT") &&
             !process_->HasEnded() && absl::Now() < end) {
        std::this_thread::yield();
      }
      if (process_->running()) return;
    }
    ADD_FAILURE() << process_->log();
  }

  Endpoint Under(absl::string_view name) const {
    return Endpoint::Of(name, static_cast<uint16_t>(process_->port()));
  }
  std::string address() const { return process_->address(); }

 private:
  std::unique_ptr<StoreProcess> process_;
};

class HttpsProbeTest : public ::testing::Test {
 protected:
  HttpsProbeTest() {
    auto tls = TlsCertificates::Create();
    EXPECT_TRUE(tls.ok()) << tls.status();
    tls_ = *std::move(tls);
    options_.ca_file =
        absl::StrCat(::testing::TempDir(), "/", getpid(), ".pem");
    std::ofstream(options_.ca_file) << tls_->ca_pem();
  }
  ~HttpsProbeTest() override { unlink(options_.ca_file.c_str()); }

  ProbeResult Ask(const TlsServer& server, absl::string_view name) {
    return AskOnce(*MakeHttpsProbeFactory({}, options_)
                        ->Make(server.Under(name), server.address()));
  }

  std::unique_ptr<TlsCertificates> tls_;
  HttpsProbeOptions options_;
};

TEST_F(HttpsProbeTest, TheCertificateMustBeForTheNameOfTheEndpoint) {
  const auto pair = tls_->Issue({"users.example"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  const TlsServer server(*pair);
  const ProbeResult good = Ask(server, "users.example");
  EXPECT_TRUE(good.healthy) << good.detail;
  EXPECT_EQ(good.detail, "HTTP status 200");

  const ProbeResult other = Ask(server, "other.example");
  EXPECT_FALSE(other.healthy);
  EXPECT_THAT(other.detail, HasSubstr("other.example"));
  options_.server_name = "users.example";
  EXPECT_TRUE(Ask(server, "other.example").healthy);
  options_.server_name = "";
  options_.verify_host = false;
  EXPECT_TRUE(Ask(server, "other.example").healthy);
}

TEST_F(HttpsProbeTest, TheAuthorityMustBeTrusted) {
  const auto pair = tls_->IssueSelfSigned({"users.example"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  const TlsServer server(*pair);
  const ProbeResult bad = Ask(server, "users.example");
  EXPECT_FALSE(bad.healthy);
  EXPECT_THAT(bad.detail, HasSubstr("certificate"));
  options_.verify_peer = false;
  EXPECT_TRUE(Ask(server, "users.example").healthy);
}

TEST_F(HttpsProbeTest, AFileOfAuthoritiesThatIsMissingIsUnhealthy) {
  const auto pair = tls_->Issue({"users.example"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  const TlsServer server(*pair);
  options_.ca_file = "/nonexistent.pem";
  const ProbeResult result = Ask(server, "users.example");
  EXPECT_FALSE(result.healthy);
  EXPECT_THAT(result.detail, HasSubstr("/nonexistent.pem"));
}

TEST_F(HttpsProbeTest, AServerThatSpeaksNoTlsIsUnhealthy) {
  FixedServer server(HttpAnswer("200 OK"));
  const Endpoint endpoint = Endpoint::Of("127.0.0.1", server.port());
  const ProbeResult result = AskOnce(
      *MakeHttpsProbeFactory({}, options_)->Make(endpoint, endpoint.address()));
  EXPECT_FALSE(result.healthy);
}

TEST(HttpProbeTest, ProgramsThatTheProcessStartsDoNotInheritTheConnection) {
  FixedServer server("");
  const auto probe = ProbeOf(Endpoint::Of("127.0.0.1", server.port()));
  probe->Start(absl::Seconds(30), [](ProbeResult) {});
  // The server records the request once the connection is open.
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (server.request().empty() && absl::Now() < end) {
    std::this_thread::yield();
  }
  int connections = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer = {};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 ||
        peer.sin_family != AF_INET || ntohs(peer.sin_port) != server.port()) {
      continue;
    }
    ++connections;
    EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  }
  EXPECT_EQ(connections, 1);
}

TEST(HttpProbeTest, TheEnvironmentsProxyIsNotUsed) {
  FixedServer server(HttpAnswer("200 OK"));
  const std::string nowhere = absl::StrCat("http://127.0.0.1:", ClosedPort());
  setenv("http_proxy", nowhere.c_str(), 1);
  setenv("all_proxy", nowhere.c_str(), 1);
  EXPECT_TRUE(
      AskOnce(*ProbeOf(Endpoint::Of("127.0.0.1", server.port()))).healthy);
  unsetenv("http_proxy");
  unsetenv("all_proxy");
}

}  // namespace
}  // namespace multi_backend

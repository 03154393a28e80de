#include "multi_backend/health/probes/curl/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/fixed_server.h"
#include "multi_backend/tests/testing/probe_answer.h"
#include "multi_backend/tests/testing/socket_probe_test.h"

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
           Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false,
               "transfer closed"},
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

// The status page of a channel to real servers: it shows what happened, and
// nothing that was secret.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "multi_backend/observability.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "planted-secret-7f3a";

// The answer to a GET, up to `end` or to the end of the connection.
std::string Get(int port, const std::string& path, absl::string_view end = "") {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) ==
      0) {
    const std::string request =
        absl::StrCat("GET ", path,
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "\r\n");
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    const absl::Time deadline = absl::Now() + kTestTimeout;
    char buffer[4096];
    while (end.empty() || answer.find(std::string(end)) == std::string::npos) {
      pollfd poll_fd = {fd, POLLIN, 0};
      const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
      if (left <= 0 || poll(&poll_fd, 1, static_cast<int>(left)) <= 0) break;
      const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
      if (size <= 0) break;
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

template <typename Message>
Message GetJson(int port, const std::string& path) {
  const std::string answer = Get(port, path);
  Message message;
  const size_t body = answer.find("\r\n\r\n");
  EXPECT_TRUE(body != std::string::npos &&
              google::protobuf::util::JsonStringToMessage(
                  answer.substr(body + 4), &message)
                  .ok())
      << answer;
  return message;
}

class StatusPageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    monitor_ = Monitor::Create();
    StatusOptions page;
    page.monitor = monitor_;
    auto server = ServeStatus(std::move(page));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ChannelOptions options;
    options.sinks.push_back(monitor_);
    options.service_config_json = ServiceConfig(R"("strategy":"ROUND_ROBIN")");
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  }

  CallOutcome Call() {
    UsersCall call;
    call.metadata = {{"authorization", absl::StrCat("Bearer ", kSecret)},
                     {"x-api-key", kSecret}};
    return client_->Call(call);
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::shared_ptr<Monitor> monitor_;
  std::unique_ptr<StatusServer> server_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(StatusPageTest, ShowsAFailoverAndTheEjection) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Call().ok());
  fleet_->SetBehaviour(1, Failing());
  ASSERT_TRUE(WaitUntil([this] {
    EXPECT_TRUE(Call().ok());
    return client_->Backend(fleet_->address(1)).state == BackendState::kDown;
  }));
  const int port = server_->port();
  const auto status = GetJson<admin::v1::Status>(port, "/status.json");
  ASSERT_EQ(status.channels_size(), 1);
  const auto& channel = status.channels(0);
  EXPECT_EQ(channel.target(), fleet_->StaticTarget());
  EXPECT_EQ(channel.backends_usable(), 1);
  ASSERT_EQ(channel.backends_size(), 2);
  uint64_t calls = 0;
  for (const auto& backend : channel.backends()) {
    calls += backend.calls();
    const bool ejected = backend.address() == fleet_->address(1);
    EXPECT_EQ(backend.state(), ejected ? "DOWN" : "ALIVE");
    EXPECT_EQ(backend.ejections(), ejected ? 1 : 0);
    EXPECT_EQ(backend.reason().empty(), !ejected);
  }
  EXPECT_GE(calls, 13);
  const auto recent = GetJson<admin::v1::Calls>(port, "/calls.json");
  ASSERT_GE(recent.calls_size(), 1);
  const auto& retried = recent.calls(0);
  EXPECT_EQ(retried.status(), "OK");
  ASSERT_EQ(retried.attempts_size(), 2);
  EXPECT_EQ(retried.attempts(0).address(), fleet_->address(1));
  EXPECT_EQ(retried.attempts(0).status(), "UNAVAILABLE");
  EXPECT_EQ(retried.attempts(0).next(), "RETRIED");
  EXPECT_EQ(retried.attempts(1).address(), fleet_->address(0));
  EXPECT_THAT(Get(port, "/events", "FAILED_CALLS"),
              HasSubstr(fleet_->address(1)));
  EXPECT_THAT(Get(port, "/"), HasSubstr("1 of 2 usable"));
  EXPECT_THAT(Get(port, "/metrics"),
              HasSubstr("multi_backend_ejections_total{"));
}

TEST_F(StatusPageTest, NothingSecretIsInAnyAnswer) {
  fleet_->SetBehaviour(1, Failing());
  for (int i = 0; i < 10; ++i) Call();
  for (const char* const path : {"/", "/?format=html", "/status.json",
                                 "/calls.json", "/config.json", "/metrics"}) {
    const std::string answer = Get(server_->port(), path);
    EXPECT_THAT(answer, HasSubstr("200 OK")) << path;
    EXPECT_THAT(answer, Not(HasSubstr(kSecret))) << path;
  }
  const std::string events = Get(server_->port(), "/events", "event: event");
  EXPECT_THAT(events, Not(HasSubstr(kSecret)));
}

TEST_F(StatusPageTest, AChannelThatIsGoneIsNotShown) {
  client_.reset();
  EXPECT_TRUE(WaitUntil([this] {
    return GetJson<admin::v1::Status>(server_->port(), "/status.json")
               .channels_size() == 0;
  }));
}

}  // namespace
}  // namespace multi_backend

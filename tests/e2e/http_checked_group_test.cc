// A health-checked group with real HTTP probes behind a channel: calls go only
// to the backends whose health page says 200.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/probes.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Answers each request with the status that was set for the address at which
// the request arrived.  All addresses 127.x.x.x have the same port.
class HealthPages {
 public:
  // No answer at all.
  static constexpr int kSilent = 0;

  HealthPages() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, any, &size) != 0) {
      ADD_FAILURE() << "cannot listen";
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HealthPages() {
    stopped_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  uint16_t port() const { return port_; }
  void Set(const std::string& ip, int status) {
    absl::MutexLock lock(&mutex_);
    status_of_[ip] = status;
  }
  // How many requests for the path have arrived at the address.
  int RequestsAt(const std::string& ip) const {
    absl::MutexLock lock(&mutex_);
    const auto found = requests_.find(ip);
    return found == requests_.end() ? 0 : found->second;
  }

 private:
  void Serve() {
    while (!stopped_) {
      sockaddr_in local = {};
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      socklen_t size = sizeof(local);
      getsockname(connection, reinterpret_cast<sockaddr*>(&local), &size);
      Answer(connection, inet_ntoa(local.sin_addr));
      close(connection);
    }
  }

  void Answer(int connection, const std::string& ip) {
    std::string head;
    char buffer[1024];
    while (!stopped_ && !absl::EndsWith(head, "\r\n\r\n")) {
      pollfd readable = {connection, POLLIN, 0};
      if (poll(&readable, 1, /*timeout=*/20) == 0) continue;
      const ssize_t count = read(connection, buffer, sizeof(buffer));
      if (count <= 0) return;
      head.append(buffer, count);
    }
    int status;
    {
      absl::MutexLock lock(&mutex_);
      if (absl::StartsWith(head, "GET /healthz ")) ++requests_[ip];
      status = status_of_[ip];
    }
    // A silent page closes the connection, which is no answer either, so that
    // the other pages need not wait.
    if (status == kSilent) return;
    const std::string answer = absl::StrCat(
        "HTTP/1.1 ", status, " Status\r\nContent-Length: 0\r\n\r\n");
    (void)!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  const int listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
  mutable absl::Mutex mutex_;
  std::map<std::string, int> status_of_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> requests_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class HttpCheckedGroupTest : public ::testing::Test {
 protected:
  static constexpr char kGroup[] = "http-checked";

  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    // Each backend listens on every address 127.x.x.x.
    auto fleet = BackendFleet::Start(3, {"--host=0.0.0.0"});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    for (size_t i = 0; i < fleet_->size(); ++i) {
      list_.push_back(
          Endpoint::Of(Ip(i), static_cast<uint16_t>(fleet_->server(i).port())));
    }
  }
  void TearDown() override {
    client_.reset();
    EndpointGroupRegistry::Unregister(kGroup);
  }

  static std::string Ip(size_t index) {
    return absl::StrCat("127.0.0.", index + 1);
  }

  void Connect() {
    auto inner = StaticEndpointGroup::Make(list_);
    ASSERT_TRUE(inner.ok()) << inner.status();
    ActiveHealthConfig config;
    config.path = "/healthz";
    config.port = pages_.port();
    config.interval = absl::Milliseconds(50);
    config.timeout = absl::Seconds(2);
    HealthCheckedOptions options;
    options.config = config;
    group_ = HealthCheckedEndpointGroup(*std::move(inner),
                                        MakeHttpProbeFactory(config), options);
    ASSERT_TRUE(EndpointGroupRegistry::Register(kGroup, group_).ok());
    auto client = UsersClient::Make(absl::StrCat("group:///", kGroup));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // Waits until the channel has exactly the backends with these numbers.
  ::testing::AssertionResult HasBackends(const std::vector<size_t>& indices) {
    std::vector<std::string> wanted;
    for (const size_t i : indices) wanted.push_back(list_[i].address());
    std::vector<std::string> found;
    const bool has = WaitUntil([&] {
      client_->Call();
      found.clear();
      for (const BackendSnapshot& backend :
           client_->pool().GetHealthyBackends()) {
        found.push_back(backend.address);
      }
      std::sort(found.begin(), found.end());
      return found == wanted;
    });
    return (has ? ::testing::AssertionSuccess() : ::testing::AssertionFailure())
           << ::testing::PrintToString(found) << "; " << group_->Describe();
  }

  HealthPages pages_;
  std::unique_ptr<BackendFleet> fleet_;
  EndpointList list_;
  std::shared_ptr<EndpointGroup> group_;
  std::unique_ptr<UsersClient> client_;
};

constexpr char HttpCheckedGroupTest::kGroup[];

TEST_F(HttpCheckedGroupTest, CallsGoOnlyWhereThePageSays200) {
  for (size_t i = 0; i < 3; ++i) pages_.Set(Ip(i), 200);
  ASSERT_NO_FATAL_FAILURE(Connect());
  ASSERT_TRUE(HasBackends({0, 1, 2}));
  constexpr int kThreads = 2;
  BackgroundLoad load(*client_, kThreads);
  for (const int status : {503, 404, 302, HealthPages::kSilent}) {
    SCOPED_TRACE(status);
    pages_.Set(Ip(1), status);
    ASSERT_TRUE(HasBackends({0, 2}));
    const int64_t before = fleet_->CallsOf(1);
    const int64_t begun = load.calls();
    ASSERT_TRUE(WaitUntil([&] { return load.calls() > begun + 200; }));
    EXPECT_LE(fleet_->CallsOf(1), before + kThreads)
        << "each thread may have been about to send one call";
    pages_.Set(Ip(1), 200);
    ASSERT_TRUE(HasBackends({0, 1, 2}));
    EXPECT_TRUE(
        WaitUntil([&] { return fleet_->CallsOf(1) > before + kThreads; }));
  }
  const LoadResult result = load.Stop();
  EXPECT_THAT(result.failures, IsEmpty());
  for (size_t i = 0; i < 3; ++i) EXPECT_GT(pages_.RequestsAt(Ip(i)), 0);
}

TEST_F(HttpCheckedGroupTest, AnEndpointThatNeverAnswered200GetsNoCall) {
  pages_.Set(Ip(0), 200);
  pages_.Set(Ip(1), 503);
  pages_.Set(Ip(2), 200);
  ASSERT_NO_FATAL_FAILURE(Connect());
  ASSERT_TRUE(HasBackends({0, 2}));
  EXPECT_THAT(RunCalls(*client_, /*threads=*/4, /*calls=*/200).failures,
              IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

TEST_F(HttpCheckedGroupTest, WhenAllPagesFailTheLastHealthyOnesStay) {
  for (size_t i = 0; i < 3; ++i) pages_.Set(Ip(i), 200);
  ASSERT_NO_FATAL_FAILURE(Connect());
  ASSERT_TRUE(HasBackends({0, 1, 2}));
  pages_.Set(Ip(0), 500);
  ASSERT_TRUE(HasBackends({1, 2}));
  pages_.Set(Ip(1), 500);
  ASSERT_TRUE(HasBackends({2}));
  pages_.Set(Ip(2), 500);
  ASSERT_TRUE(WaitUntil([&] { return !group_->last_error().ok(); }));
  EXPECT_THAT(group_->Describe(), HasSubstr("500"));
  EXPECT_THAT(RunCalls(*client_, /*threads=*/4, /*calls=*/100).failures,
              IsEmpty());
  EXPECT_TRUE(HasBackends({2}));
}

}  // namespace
}  // namespace multi_backend

// Tests of HttpDaemon: whose the listening socket is when a start fails.
#include "multi_backend/observability/admin/http/http_daemon.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multi_backend/observability/admin/http/listen_socket.h"
#include "multi_backend/observability/admin/http/site.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {
namespace {

// So that the test can use up all of them.
constexpr int kDescriptors = 256;

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

int CountOpen() {
  int count = 0;
  for (int fd = 0; fd < kDescriptors; ++fd) count += IsOpen(fd) ? 1 : 0;
  return count;
}

class HttpDaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto socket = ListenSocket::Open("127.0.0.1:0");
    ASSERT_TRUE(socket.ok()) << socket.status();
    socket_ = *std::move(socket);
  }

  absl::StatusOr<std::unique_ptr<HttpDaemon>> Start(
      const std::string& certificate = "") {
    HttpDaemonOptions options;
    options.listen_fd = socket_->fd();
    options.tls_certificate_chain = certificate;
    options.tls_private_key = certificate;
    options.max_connections = 16;
    options.max_viewers = 1;
    SiteOptions site;
    site.monitor = monitor_;
    return HttpDaemon::Start(std::move(options),
                             std::make_unique<Site>(std::move(site)));
  }

  const std::shared_ptr<Monitor> monitor_ = Monitor::Create();
  std::unique_ptr<ListenSocket> socket_;
};

// libmicrohttpd closes the socket that it was given when TLS cannot start.
TEST_F(HttpDaemonTest, AWrongCertificateLeavesTheSocketToTheCaller) {
  const int open = CountOpen();
  const auto daemon = Start("x");
  EXPECT_EQ(daemon.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(IsOpen(socket_->fd()));
  EXPECT_EQ(CountOpen(), open);
}

// And it does not close the socket when there are no more descriptors.
TEST_F(HttpDaemonTest, AStartWithoutDescriptorsLeavesNoneBehind) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = kDescriptors;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_TRUE(Start().ok());  // Whatever is opened once is open now.
  std::vector<int> used;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) {
    used.push_back(fd);
  }
  int failed = 0;
  bool started = false;
  while (!started && !used.empty()) {
    const int open = CountOpen();
    started = Start().ok();  // And stopped at once.
    if (!started) ++failed;
    EXPECT_TRUE(IsOpen(socket_->fd())) << failed;
    EXPECT_EQ(CountOpen(), open) << failed;
    close(used.back());
    used.pop_back();
  }
  for (const int fd : used) close(fd);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(started);
  EXPECT_GE(failed, 2);  // Without one for the socket, and for the rest.
}

}  // namespace
}  // namespace multi_backend

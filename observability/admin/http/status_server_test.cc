// Tests of ServeStatus(), by raw sockets.
#include "multi_backend/observability/admin/http/status_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/testing/fixed_channel.h"
#include "multi_backend/tests/testing/tls_certificates.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(30);

// A client's socket.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address),
                         sizeof(address)) == 0;
  }
  explicit Client(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address),
                         sizeof(address)) == 0;
  }
  Client(Client&& other) : fd_(other.fd_), connected_(other.connected_) {
    other.fd_ = -1;
  }
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }

  bool connected() const { return connected_; }
  void Send(absl::string_view text) {
    send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // What arrives until `end` is in it, until the server ends the connection, or
  // until the patience is over.
  std::string ReadUntil(absl::string_view end) {
    std::string text;
    size_t searched = 0;  // It does not begin before.
    const absl::Time deadline = absl::Now() + kPatience;
    while (end.empty() || absl::string_view(text).find(end, searched) ==
                              absl::string_view::npos) {
      searched = text.size() - std::min(text.size(), end.size());
      pollfd poll_fd = {fd_, POLLIN, 0};
      const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
      if (left <= 0 || poll(&poll_fd, 1, static_cast<int>(left)) <= 0) break;
      char buffer[65536];
      const ssize_t size = recv(fd_, buffer, sizeof(buffer), 0);
      if (size <= 0) break;
      text.append(buffer, static_cast<size_t>(size));
    }
    return text;
  }
  std::string Ask(const std::string& request) {
    Send(request);
    return ReadUntil("");
  }

 private:
  int fd_;
  bool connected_ = false;
};

std::string Get(const std::string& uri, const std::string& headers = "") {
  return absl::StrCat("GET ", uri,
                      " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                      headers, "\r\n");
}

std::string Post(const std::string& uri, const std::string& body,
                 const std::string& headers) {
  return absl::StrCat("POST ", uri,
                      " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      "Content-Type: application/json\r\nContent-Length: ",
                      body.size(), "\r\n", headers, "\r\n", body);
}

// A directory whose path is short enough for Unix sockets.
class ShortDirectory {
 public:
  ShortDirectory() { EXPECT_NE(mkdtemp(path_), nullptr); }
  ~ShortDirectory() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_);
  }
  std::string File(const std::string& name) {
    files_.push_back(absl::StrCat(path_, "/", name));
    return files_.back();
  }

 private:
  char path_[32] = "/tmp/mb_status_XXXXXX";
  std::vector<std::string> files_;
};

// A channel whose status waits for Release(), once it was told to.
class HeldSource : public ChannelSource {
 public:
  void HoldNext() { hold_ = true; }
  void AwaitHeld() {
    EXPECT_TRUE(held_.WaitForNotificationWithTimeout(kPatience));
  }
  void Release() { released_.Notify(); }

  const std::string& target() const override { return target_; }
  ChannelStatus Status() const override {
    if (hold_.exchange(false)) {
      held_.Notify();
      EXPECT_TRUE(released_.WaitForNotificationWithTimeout(kPatience));
    }
    ChannelStatus status;
    status.target = target_;
    return status;
  }
  std::shared_ptr<BackendPool> pool() const override { return nullptr; }

 private:
  const std::string target_ = "static:///held:1";
  mutable std::atomic<bool> hold_{false};
  mutable absl::Notification held_;
  absl::Notification released_;
};

// Whether a thread of this process sleeps until another one wakes it.
bool IsAsleep(int64_t thread) {
  std::string stat;
  std::getline(std::ifstream(absl::StrCat("/proc/self/task/", thread, "/stat")),
               stat);
  return absl::StrContains(stat, ") S ");
}

class StatusServerTest : public ::testing::Test {
 protected:
  StatusServerTest()
      : pool_(BackendPool::Create()),
        lease_(pool_->Acquire("1.1.1.1:1", "a:1")) {
    source_->SharePool(pool_);
    source_->List({"a:1"});
    options_.monitor = Monitor::Create();
    options_.monitor->OnChannel(source_);
  }

  std::unique_ptr<StatusServer> Serve() {
    auto server = ServeStatus(options_);
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }
  void ExpectRefused(const std::string& message) {
    const auto server = ServeStatus(options_);
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(server.status().message()), HasSubstr(message));
  }

  const std::shared_ptr<BackendPool> pool_;
  const std::unique_ptr<BackendPool::Lease> lease_;
  const std::shared_ptr<FixedChannel> source_ =
      std::make_shared<FixedChannel>("static:///a:1");
  StatusOptions options_;
  ShortDirectory directory_;
};

TEST_F(StatusServerTest, ServesOnAPortOfTheSystem) {
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  EXPECT_GT(server->port(), 0);
  EXPECT_EQ(server->url(),
            absl::StrCat("http://127.0.0.1:", server->port(), "/"));
  EXPECT_THAT(Client(server->port()).Ask(Get("/")),
              AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("static:///a:1"),
                    HasSubstr("X-Frame-Options: DENY")));
}

TEST_F(StatusServerTest, ATakenPortIsAnErrorAndTheDestructorFreesIt) {
  auto server = Serve();
  ASSERT_NE(server, nullptr);
  options_.address = absl::StrCat("127.0.0.1:", server->port());
  const auto second = ServeStatus(options_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(options_.address), HasSubstr("port 0")));
  server.reset();
  EXPECT_NE(Serve(), nullptr);
}

TEST_F(StatusServerTest, AUnixSocketIsForTheUserOnly) {
  const std::string path = directory_.File("status.sock");
  options_.address = "unix:" + path;
  auto server = Serve();
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(server->url(), "unix:" + path);
  struct stat file;
  ASSERT_EQ(lstat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600);
  EXPECT_THAT(Client(path).Ask(Get("/")), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(ServeStatus(options_).status().code(),
            absl::StatusCode::kUnavailable);
  server.reset();
  EXPECT_NE(lstat(path.c_str(), &file), 0);
}

TEST_F(StatusServerTest, AUnixSocketThatWasLeftBehindIsReplaced) {
  const std::string path = directory_.File("left.sock");
  {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              0);
    close(fd);
  }
  options_.address = "unix:" + path;
  EXPECT_NE(Serve(), nullptr);
  // But never a file that is none.
  std::ofstream(path) << "precious";
  EXPECT_EQ(ServeStatus(options_).status().code(),
            absl::StatusCode::kUnavailable);
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), "precious");
}

TEST_F(StatusServerTest, AUnixSocketThatCannotBeMadeSaysWhy) {
  options_.address = "unix:" + directory_.File("missing/status.sock");
  const auto missing = ServeStatus(options_);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(missing.status().message()),
              AllOf(HasSubstr(options_.address.substr(5)),
                    HasSubstr("No such file or directory")));
  // The path of a file that is no socket is taken.
  const std::string file = directory_.File("file");
  std::ofstream(file) << "precious";
  options_.address = "unix:" + file;
  EXPECT_THAT(std::string(ServeStatus(options_).status().message()),
              HasSubstr("Address already in use; choose another"));
}

TEST_F(StatusServerTest, BeyondLoopbackTlsAndATokenAreRequired) {
  for (const char* const address : {"0.0.0.0:0", "[::]:0"}) {
    options_.address = address;
    options_.tls_certificate_chain.clear();
    options_.tls_private_key.clear();
    ExpectRefused("tls_certificate_chain");
    options_.tls_certificate_chain = "x";
    options_.tls_private_key = "x";
    ExpectRefused("token: required beyond loopback");
    options_.token = "short";
    ExpectRefused("at least 16");
    options_.token.clear();
  }
}

TEST_F(StatusServerTest, WrongOptionsAreRefusedWithWhatToDo) {
  options_.address = "localhost:80";
  ExpectRefused("127.0.0.1:8080");
  options_.address = "127.0.0.1";
  ExpectRefused("IP address with a port");
  options_.address = "unix:relative";
  ExpectRefused("absolute");
  options_.address = "unix:/" + std::string(200, 'x');
  ExpectRefused("at most 107 bytes");
  options_.address = "127.0.0.1:0";
  options_.tls_private_key = "x";
  ExpectRefused("set both or none");
  options_.tls_certificate_chain = "x";
  ExpectRefused("must be PEM");
  options_.tls_certificate_chain.clear();
  options_.tls_private_key.clear();
  options_.max_connections = 1;
  ExpectRefused("max_connections");
  options_.max_connections = 128;
  options_.max_viewers = 100;
  ExpectRefused("max_viewers");
  options_.max_viewers = 1;
  options_.serve_page = false;
  options_.serve_metrics = false;
  ExpectRefused("at least one");
  options_.monitor = nullptr;
  ExpectRefused("Monitor::Create()");
}

TEST_F(StatusServerTest, WhatOthersSendIsRefused) {
  options_.enable_actions = true;
  options_.token = "0123456789abcdef";
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  const std::string token = "Authorization: Bearer 0123456789abcdef\r\n";
  struct Row {
    const char* what;
    std::string request;
    const char* status;
  };
  const Row rows[] = {
      {"good", Get("/status.json", token), "200"},
      {"no token", Get("/status.json"), "401"},
      {"no token for the metrics", Get("/metrics"), "401"},
      {"another token", Get("/", "Authorization: Bearer x\r\n"), "401"},
      {"a foreign host",
       "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
       "421"},
      {"two hosts",
       "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
       "Connection: close\r\n\r\n",
       "4"},
      {"no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
      {"a proxy's request",
       "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n"
       "Connection: close\r\n\r\n",
       "400"},
      {"a foreign origin",
       Get("/status.json", token + "Origin: http://evil.example\r\n"), "403"},
      {"an action by GET", Get("/actions/drain", token), "405"},
      {"an action without the CSRF token",
       Post("/actions/drain", R"({"backend":"a:1"})", token), "403"},
      {"an action with another CSRF token",
       Post("/actions/drain", R"({"backend":"a:1"})",
            token + "X-CSRF-Token: 00000000000000000000000000000000\r\n"),
       "403"},
      {"a path upwards", Get("/../../etc/passwd", token), "400"},
      {"an escaped path", Get("/%2e%2e/%2e%2e/etc/passwd", token), "400"},
      {"a long body", Post("/actions/drain", std::string(100'000, 'x'), token),
       "4"},
      {"a long header", Get("/", "X: " + std::string(100'000, 'x') + "\r\n"),
       "4"},
      {"a long path", Get("/" + std::string(100'000, 'x')), "414"},
      {"no HTTP", "\x16\x03\x01\x02\r\n\r\n", ""},
  };
  for (const Row& row : rows) {
    const std::string answer = Client(server->port()).Ask(row.request);
    if (*row.status != '\0') {
      EXPECT_THAT(answer, StartsWith(absl::StrCat("HTTP/1.1 ", row.status)))
          << row.what;
    }
    if (!absl::StrContains(row.what, "good")) {
      EXPECT_FALSE(absl::StrContains(answer, "static:///")) << row.what;
    }
  }
  EXPECT_EQ(pool_->GetAllBackends()[0].state, BackendState::kAlive);
}

TEST_F(StatusServerTest, ActionsWorkWithTheCsrfTokenOfTheServer) {
  options_.enable_actions = true;
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  const std::string status = Client(server->port()).Ask(Get("/status.json"));
  const std::string name = "X-CSRF-Token: ";
  const size_t begin = status.find(name);
  ASSERT_NE(begin, std::string::npos) << status;
  const std::string header = status.substr(begin, name.size() + 32) + "\r\n";
  EXPECT_THAT(
      Client(server->port())
          .Ask(Post("/actions/markUnhealthy", R"({"backend":"a:1"})", header)),
      AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("marked unhealthy")));
  EXPECT_EQ(pool_->GetAllBackends()[0].state, BackendState::kDown);
  EXPECT_THAT(pool_->GetAllBackends()[0].reason,
              AllOf(HasSubstr("127.0.0.1:"), HasSubstr("over HTTP")));
}

TEST_F(StatusServerTest, ViewersHearOfEventsAndAreBounded) {
  options_.max_viewers = 2;
  auto server = Serve();
  ASSERT_NE(server, nullptr);
  const std::string request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Client first(server->port());
  Client second(server->port());
  first.Send(request);
  EXPECT_THAT(first.ReadUntil("event: status"),
              HasSubstr("Content-Type: text/event-stream"));
  {
    Client leaving(server->port());
    leaving.Send(request);
    EXPECT_THAT(leaving.ReadUntil("event: status"), HasSubstr("200 OK"));
    EXPECT_THAT(Client(server->port()).Ask(Get("/events")),
                AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After")));
  }
  StateChanged change;
  change.backend = Label("a:1");
  change.from = "ALIVE";
  change.to = "DOWN";
  change.reason = "somebody\nevent: status\n\nattacked";
  options_.monitor->OnStateChanged(change);
  const std::string heard = first.ReadUntil("attacked");
  EXPECT_THAT(heard, HasSubstr("event: event\nid: 1\ndata: {"));
  // A line end in a text cannot begin another event.
  EXPECT_THAT(heard, HasSubstr("somebody\xEF\xBF\xBD"
                               "event"));
  // The place of a viewer that left is free when the server has noticed it.
  std::string answer;
  const absl::Time deadline = absl::Now() + kPatience;
  do {
    Client again(server->port());
    again.Send(request);
    answer = again.ReadUntil("\r\n\r\n");
  } while (!absl::StrContains(answer, "200 OK") && absl::Now() < deadline);
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  // It also ends while viewers follow.
  server.reset();
  EXPECT_THAT(first.ReadUntil(""), ::testing::Not(HasSubstr("id: 2")));
}

// Their status has 10 MB, and takes longer to read than the pause between two.
TEST_F(StatusServerTest, AViewerOfManyBackendsGetsOneStatusAfterTheOther) {
  const auto second = std::make_shared<std::atomic<int64_t>>(1'700'000'000);
  MonitorOptions monitor_options;
  monitor_options.now = [second] { return absl::FromUnixSeconds(*second); };
  options_.monitor = Monitor::Create(monitor_options);
  options_.monitor->OnChannel(source_);
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) names.push_back(absl::StrCat("backend-", i));
  source_->List(names);
  for (int i = 0; i < 60; ++i) {
    for (const std::string& name : names) {
      AttemptEnded attempt;
      attempt.target = Label(source_->target());
      attempt.backend = Label(name);
      attempt.address = name;
      attempt.latency_nanos = 1'234'567;
      options_.monitor->OnAttemptEnded(attempt);
    }
    ++*second;
  }
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  Client viewer(server->port());
  viewer.Send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  size_t read = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string text = viewer.ReadUntil("event: status");
    ASSERT_TRUE(absl::StrContains(text, "event: status")) << i;
    read += text.size();
  }
  EXPECT_GT(read, 3 * 8'000'000u);
}

// The request is read when the server's thread has ended already.
TEST_F(StatusServerTest, AViewerThatComesWhileTheServerStopsIsSentAway) {
  const auto held = std::make_shared<HeldSource>();
  options_.monitor->OnChannel(held);
  auto server = Serve();
  ASSERT_NE(server, nullptr);
  const std::string request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Client late(server->port());
  // The server has accepted it.
  late.Send("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(late.ReadUntil("there is nothing here"), HasSubstr("404"));
  Client first(server->port());
  first.Send(request);
  EXPECT_THAT(first.ReadUntil("event: status"), HasSubstr("200 OK"));
  // The thread writes the next status for the first viewer.
  held->HoldNext();
  held->AwaitHeld();
  late.Send(request);
  std::atomic<int64_t> stopping{0};
  std::thread stop([&] {
    stopping = syscall(SYS_gettid);
    server.reset();
  });
  const absl::Time deadline = absl::Now() + kPatience;
  while ((stopping == 0 || !IsAsleep(stopping)) && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  held->Release();
  stop.join();
  EXPECT_THAT(late.ReadUntil(""), ::testing::Not(HasSubstr("event: status")));
}

TEST_F(StatusServerTest, AViewerThatConnectsAgainGetsWhatItMissed) {
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  StateChanged change;
  for (int i = 0; i < 3; ++i) options_.monitor->OnStateChanged(change);
  Client client(server->port());
  client.Send(
      "GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 2\r\n\r\n");
  const std::string heard = client.ReadUntil("id: 3");
  EXPECT_THAT(heard, ::testing::Not(HasSubstr("id: 2\n")));
  EXPECT_THAT(heard, HasSubstr("id: 3"));
  // This one has seen the events of an earlier process at the same port.
  Client older(server->port());
  older.Send(
      "GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 5000\r\n\r\n");
  EXPECT_THAT(older.ReadUntil("id: 3"),
              AllOf(HasSubstr("id: 1\n"), HasSubstr("id: 3\n")));
}

TEST_F(StatusServerTest, TlsWorks) {
  auto certificates = TlsCertificates::Create();
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  const auto pair = (*certificates)->Issue({"localhost", "127.0.0.1"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  const auto read = [](const std::string& path) {
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    return content.str();
  };
  options_.tls_certificate_chain = read(pair->cert_file);
  options_.tls_private_key = read(pair->key_file);
  options_.token = "0123456789abcdef";
  options_.address = "0.0.0.0:0";
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  const std::string ca = directory_.File("ca.pem");
  std::ofstream(ca) << (*certificates)->ca_pem();
  const std::string command = absl::StrCat(
      "printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n"
      "Authorization: Bearer 0123456789abcdef\\r\\n\\r\\n' | timeout 30 "
      "openssl "
      "s_client -quiet -verify_return_error -CAfile ",
      ca, " -connect 127.0.0.1:", server->port(), " 2>&1");
  FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string answer;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe)) {
    answer.append(buffer, size);
  }
  pclose(pipe);
  EXPECT_THAT(answer,
              AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("static:///a:1")));
  // Plain HTTP gets no answer.
  EXPECT_FALSE(
      absl::StrContains(Client(server->port()).Ask(Get("/")), "HTTP/1.1 200"));
}

// Opens as many connections as the machine allows, up to 10,000, that send the
// beginning of a request and no more; a client that sends all of it at once is
// answered all the time.
TEST_F(StatusServerTest, SlowClientsDoNotStopOthers) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const size_t slow_count = std::min<size_t>(
      10'000, limit.rlim_cur - std::min<size_t>(limit.rlim_cur, 500));
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  std::vector<Client> slow;
  absl::Duration worst;
  int answered = 0;
  const auto ask = [&] {
    const absl::Time start = absl::Now();
    const std::string answer = Client(server->port()).Ask(Get("/"));
    worst = std::max(worst, absl::Now() - start);
    if (absl::StartsWith(answer, "HTTP/1.1 200")) ++answered;
  };
  while (slow.size() < slow_count) {
    slow.emplace_back(server->port());
    ASSERT_TRUE(slow.back().connected()) << slow.size();
    slow.back().Send("GET / HTTP/1.1\r\nHost: local");
    if (slow.size() % 500 == 0) ask();
  }
  for (int i = 0; i < 20; ++i) ask();
  printf("%zu slow clients, %d answers, slowest %s\n", slow.size(), answered,
         absl::FormatDuration(worst).c_str());
  EXPECT_EQ(answered, static_cast<int>(slow_count / 500 + 20));
  EXPECT_LT(worst, absl::Seconds(5));
}

// The same with clients that do not read their answers.
TEST_F(StatusServerTest, ClientsThatDoNotReadDoNotStopOthers) {
  const auto server = Serve();
  ASSERT_NE(server, nullptr);
  std::vector<Client> slow;
  for (int i = 0; i < 300; ++i) {
    slow.emplace_back(server->port());
    slow.back().Send("GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n");
    slow.back().Send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  EXPECT_THAT(Client(server->port()).Ask(Get("/")), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace multi_backend

// FixedServer: a server for tests of probes.  It listens on the loopback
// interface, serves one connection at a time, and answers each request with the
// same bytes.
//
// Threads: request() may be called from any thread.
#ifndef MULTI_BACKEND_TESTS_TESTING_FIXED_SERVER_H_
#define MULTI_BACKEND_TESTS_TESTING_FIXED_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace multi_backend {

class FixedServer {
 public:
  // With an empty `answer` the server accepts and reads, but never answers.
  // `family` is AF_INET or AF_INET6.
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
  // The head of the newest request.
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

// A port of this machine on which nothing listens any more.
inline uint16_t ClosedPort() {
  FixedServer server("");
  return server.port();
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_FIXED_SERVER_H_

// BlackHole: an address on loopback to which every connection attempt hangs.
//
// It is a listening socket whose queue is full, so the kernel drops further
// requests to connect.
#ifndef MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_
#define MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/tests/testing/loopback_listener.h"

namespace multi_backend {

class BlackHole {
 public:
  BlackHole() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port());
    // Connections until one is not accepted within a second.
    for (bool connected = true; connected && sockets_.size() < 32;) {
      pollfd client = {
          socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
          POLLOUT, 0};
      EXPECT_GE(client.fd, 0);
      sockets_.push_back(client.fd);
      connect(client.fd, reinterpret_cast<sockaddr*>(&address),
              sizeof(address));
      connected = poll(&client, 1, /*timeout=*/1000) == 1;
      full_ = !connected;
    }
    EXPECT_TRUE(full_) << "the queue never became full";
  }
  ~BlackHole() {
    for (const int one : sockets_) close(one);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

  uint16_t port() const { return listener_.port(); }
  std::string address() const { return listener_.address(); }

 private:
  const LoopbackListener listener_{/*queue=*/0};
  std::vector<int> sockets_;
  bool full_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_

// BlackHole: an address on loopback to which every connection attempt hangs.
//
// It is a listening socket whose queue is full, so the kernel drops further
// requests to connect.
#ifndef MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_
#define MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {

class BlackHole {
 public:
  BlackHole() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const int listener = NewSocket(/*flags=*/0);
    EXPECT_EQ(bind(listener, any, size), 0);
    EXPECT_EQ(listen(listener, 0), 0);
    EXPECT_EQ(getsockname(listener, any, &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    // Connections until one is not accepted within a second.
    for (bool connected = true; connected && sockets_.size() < 32;) {
      pollfd client = {NewSocket(SOCK_NONBLOCK), POLLOUT, 0};
      connect(client.fd, any, size);
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

  const std::string& address() const { return address_; }

 private:
  int NewSocket(int flags) {
    const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    EXPECT_GE(made, 0);
    sockets_.push_back(made);
    return made;
  }

  std::vector<int> sockets_;
  std::string address_;
  bool full_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BLACK_HOLE_H_

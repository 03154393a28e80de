// LoopbackListener: a TCP socket that listens at 127.0.0.1, on a port that the
// system chooses.  Nobody accepts its connections unless the test does.
#ifndef MULTI_BACKEND_TESTS_TESTING_LOOPBACK_LISTENER_H_
#define MULTI_BACKEND_TESTS_TESTING_LOOPBACK_LISTENER_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {

class LoopbackListener {
 public:
  // Ends the program if it cannot listen.
  explicit LoopbackListener(int queue = 128)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, any, size) != 0 || listen(fd_, queue) != 0 ||
        getsockname(fd_, any, &size) != 0) {
      ADD_FAILURE() << "cannot listen";
      abort();
    }
    port_ = ntohs(address.sin_port);
  }
  ~LoopbackListener() { close(fd_); }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;

  int fd() const { return fd_; }
  uint16_t port() const { return port_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  const int fd_;
  uint16_t port_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_LOOPBACK_LISTENER_H_

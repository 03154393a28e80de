#include "multi_backend/bench/peers/namespace.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/calls/die.h"

namespace multi_backend {
namespace {

constexpr char kIptables[] = "/usr/sbin/iptables";

bool is_entered = false;

bool BringLoopbackUp() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return up;
}

// `action` is -A to add the rule, -D to delete it.
void ChangeRule(const char* action, int port) {
  const std::string command = absl::StrCat(
      kIptables, " ", action, " INPUT -p tcp --dport ", port, " -j DROP");
  if (std::system(command.c_str()) != 0) {
    Die("failed: " + command);
  }
}

}  // namespace

bool EnterNetworkNamespace() {
  if (unshare(CLONE_NEWNET) != 0 || !BringLoopbackUp()) {
    std::fprintf(stderr, "peers: no network namespace, which needs root: %s\n",
                 std::strerror(errno));
    return false;
  }
  is_entered = true;
  return true;
}

bool IsInNetworkNamespace() { return is_entered; }

bool CutOff::IsPossible() {
  if (!is_entered) {
    std::fprintf(stderr,
                 "NOT MEASURED: the black hole, which needs a network "
                 "namespace\n");
    return false;
  }
  if (access(kIptables, X_OK) == 0) return true;
  std::fprintf(stderr,
               "NOT MEASURED: the black hole: iptables is not installed "
               "(package iptables): run tools/setup --tests\n");
  return false;
}

CutOff::CutOff(int port) : port_(port) { ChangeRule("-A", port_); }

CutOff::~CutOff() { ChangeRule("-D", port_); }

}  // namespace multi_backend

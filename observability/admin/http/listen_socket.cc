#include "multi_backend/observability/admin/http/listen_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

// Connections that wait until the server's thread accepts them.
constexpr int kBacklog = 1024;

constexpr int kFlags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

absl::Status SystemError(absl::string_view what, absl::string_view address,
                         int error) {
  return absl::UnavailableError(
      absl::StrCat("the status page cannot ", what, " ", address, ": ",
                   std::system_category().message(error),
                   error == EADDRINUSE ? "; choose another address, or port 0 "
                                         "for one that the system chooses"
                                       : ""));
}

// Whether a process listens at the path.
bool IsAlive(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 ||
      errno != ECONNREFUSED;
  close(fd);
  return connected;
}

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

// "[::1]" and 80, from either family; "" for another one.
std::string HostOf(const sockaddr_storage& address, int* port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    *port = ntohs(v4.sin_port);
    return inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    *port = ntohs(v6.sin6_port);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return absl::StrCat("[", text, "]");
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<ListenSocket>> ListenSocket::Open(
    absl::string_view address) {
  std::unique_ptr<ListenSocket> opened(new ListenSocket());
  absl::string_view path = address;
  const absl::Status status = absl::ConsumePrefix(&path, "unix:")
                                  ? opened->OpenUnix(path)
                                  : opened->OpenTcp(address);
  if (!status.ok()) return status;
  return opened;
}

ListenSocket::~ListenSocket() {
  // In this order, since the path may be another process's when nobody listens
  // here any more.
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
  if (fd_ >= 0) close(fd_);
}

absl::Status ListenSocket::OpenUnix(absl::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path[0] != '/' ||
      path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("address: the path of a Unix socket must be absolute and "
                     "have at most ",
                     sizeof(address.sun_path) - 1, " bytes: \"", path, "\""));
  }
  memcpy(address.sun_path, path.data(), path.size());
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  fd_ = socket(AF_UNIX, kFlags, 0);
  if (fd_ < 0) return SystemError("open", path, errno);
  // The mode of the socket is that of the file descriptor at bind().
  fchmod(fd_, 0600);
  if (bind(fd_, raw, sizeof(address)) != 0) {
    const int error = errno;
    struct stat file;
    if (error != EADDRINUSE || lstat(address.sun_path, &file) != 0 ||
        !S_ISSOCK(file.st_mode) || IsAlive(address)) {
      return SystemError("listen at", path, error);
    }
    unlink(address.sun_path);
    if (bind(fd_, raw, sizeof(address)) != 0) {
      return SystemError("listen at", path, errno);
    }
  }
  unix_path_ = std::string(path);
  is_local_ = true;
  if (listen(fd_, kBacklog) != 0) return SystemError("listen at", path, errno);
  return absl::OkStatus();
}

absl::Status ListenSocket::OpenTcp(absl::string_view address) {
  const absl::Status malformed = absl::InvalidArgumentError(absl::StrCat(
      "address: \"", address,
      "\" is none; it is an IP address with a port, \"127.0.0.1:8080\" or "
      "\"[::1]:8080\", or \"unix:/path\""));
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return malformed;
  }
  absl::string_view host = address.substr(0, colon);
  sockaddr_storage bound = {};
  socklen_t size = 0;
  if (absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]")) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(bound);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<uint16_t>(port));
    if (inet_pton(AF_INET6, std::string(host).c_str(), &v6.sin6_addr) != 1) {
      return malformed;
    }
    size = sizeof(v6);
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(bound);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<uint16_t>(port));
    if (inet_pton(AF_INET, std::string(host).c_str(), &v4.sin_addr) != 1) {
      return malformed;
    }
    size = sizeof(v4);
  }
  fd_ = socket(bound.ss_family, kFlags, 0);
  if (fd_ < 0) return SystemError("open", address, errno);
  // For a program that is started again at once; another listener still keeps
  // the port.
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&bound), size) != 0 ||
      listen(fd_, kBacklog) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return SystemError("listen at", address, errno);
  }
  is_local_ = IsLoopback(bound);
  host_ = HostOf(bound, &port_);
  return absl::OkStatus();
}

std::string PeerName(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return "unknown";
  }
  int port = 0;
  const std::string host = HostOf(address, &port);
  if (!host.empty()) return absl::StrCat(host, ":", port);
  ucred credentials = {};
  socklen_t length = sizeof(credentials);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return "unknown";
  }
  return absl::StrCat("user ", credentials.uid);
}

}  // namespace multi_backend

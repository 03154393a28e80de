// ListenSocket: a listening socket of the status page.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_LISTEN_SOCKET_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_LISTEN_SOCKET_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

class ListenSocket {
 public:
  // `address`: "127.0.0.1:8080", "[::1]:8080" or "unix:/run/app/status.sock";
  // an address of a host, not its name.  Port 0 = one that the system chooses.
  //
  // A Unix socket is for the user of the process only (mode 0600).  One that a
  // process has left behind is replaced.
  //
  // INVALID_ARGUMENT for a malformed address; UNAVAILABLE, with the system's
  // reason, when the address is taken or cannot be used.
  static absl::StatusOr<std::unique_ptr<ListenSocket>> Open(
      absl::string_view address);
  // Removes a Unix socket.
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  int fd() const { return fd_; }
  int port() const { return port_; }  // 0 for a Unix socket.
  // Only processes of this machine reach it.
  bool is_local() const { return is_local_; }
  // "127.0.0.1", "[::1]" or "" for a Unix socket.
  const std::string& host() const { return host_; }
  const std::string& unix_path() const { return unix_path_; }

 private:
  ListenSocket() = default;
  absl::Status OpenUnix(absl::string_view path);
  absl::Status OpenTcp(absl::string_view address);

  int fd_ = -1;
  int port_ = 0;
  bool is_local_ = false;
  std::string host_;
  std::string unix_path_;
};

// Who is at the other end: "127.0.0.1:40312", or "user 1000" for a Unix socket.
std::string PeerName(int fd);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_LISTEN_SOCKET_H_

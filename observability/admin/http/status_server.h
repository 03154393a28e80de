// ServeStatus(): a status page for a process that has no server of its own.
//
//   multi_backend::StatusOptions options;
//   options.monitor = monitor;  // A sink of each channel to be seen.
//   auto server = multi_backend::ServeStatus(std::move(options));
//   if (!server.ok()) …
//   std::cout << (*server)->url() << "\n";
//
// The page shows what the process knows of its backends to everyone who reaches
// it, so it is for this machine unless the options say otherwise.
//
// One thread serves all, and no client can make it wait: when there are too
// many connections, the one that has kept the server waiting longest is closed.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_STATUS_SERVER_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_STATUS_SERVER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "multi_backend/observability/admin/monitor.h"

namespace multi_backend {

struct StatusOptions {
  // Required.
  std::shared_ptr<Monitor> monitor;
  // An IP address and port, or "unix:/path" (for the user of the process only).
  // Port 0 = one that the system chooses.  Beyond loopback, TLS and a token are
  // required.
  std::string address = "127.0.0.1:0";
  // PEM.  Both or none; with them the page is https.
  std::string tls_certificate_chain;
  std::string tls_private_key;
  // What a client must send, as "Authorization: Bearer TOKEN" or as the
  // password in a browser.  "" = nothing; at least 16 bytes beyond loopback.
  std::string token;
  // The names by which browsers may call the server (header Host), beside
  // localhost, 127.0.0.1, [::1] and the address: "status.example".  They keep
  // out pages of other sites that let their names point to this server.
  std::vector<std::string> allowed_hosts;
  // Whether the page may mark, drain and weigh backends.
  bool enable_actions = false;
  // /metrics and the rest can be switched off.
  bool serve_metrics = true;
  bool serve_page = true;
  // Connections at a time, 16 to 10000.  Each takes up to 32 KB and what is
  // written to it.
  size_t max_connections = 128;
  // Of these, pages that follow the events: at least 1, and at most half.
  size_t max_viewers = 16;
};

// Stopped by its destructor, which takes up to 100 ms.
class StatusServer {
 public:
  virtual ~StatusServer() = default;

  virtual int port() const = 0;  // 0 for a Unix socket.
  // "http://127.0.0.1:40312/", or "unix:/path".
  virtual std::string url() const = 0;
};

// INVALID_ARGUMENT says which option is wrong and what to do; UNAVAILABLE, with
// the system's reason, when the address is taken or cannot be used.
absl::StatusOr<std::unique_ptr<StatusServer>> ServeStatus(
    StatusOptions options);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_STATUS_SERVER_H_

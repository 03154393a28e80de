#include "multi_backend/observability/admin/http/status_server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/observability/admin/http/http_daemon.h"
#include "multi_backend/observability/admin/http/listen_socket.h"
#include "multi_backend/observability/admin/http/site.h"

namespace multi_backend {
namespace {

constexpr size_t kMinToken = 16;
constexpr size_t kMinConnections = 16;
constexpr size_t kMaxConnections = 10'000;

class RunningServer : public StatusServer {
 public:
  RunningServer(std::unique_ptr<ListenSocket> socket, bool tls,
                std::unique_ptr<HttpDaemon> daemon)
      : socket_(std::move(socket)), tls_(tls), daemon_(std::move(daemon)) {}

  int port() const override { return socket_->port(); }
  std::string url() const override {
    if (!socket_->unix_path().empty()) {
      return absl::StrCat("unix:", socket_->unix_path());
    }
    return absl::StrCat(tls_ ? "https" : "http", "://", socket_->host(), ":",
                        socket_->port(), "/");
  }

 private:
  // Outlives the daemon.
  const std::unique_ptr<ListenSocket> socket_;
  const bool tls_;
  const std::unique_ptr<HttpDaemon> daemon_;
};

absl::Status Check(const StatusOptions& options) {
  if (options.monitor == nullptr) {
    return absl::InvalidArgumentError(
        "monitor: required; make one with Monitor::Create() and add it to "
        "ChannelOptions::sinks");
  }
  if (options.tls_certificate_chain.empty() !=
      options.tls_private_key.empty()) {
    return absl::InvalidArgumentError(
        "tls_certificate_chain and tls_private_key: set both or none");
  }
  if (options.max_connections < kMinConnections ||
      options.max_connections > kMaxConnections) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_connections: must be ", kMinConnections, " to ", kMaxConnections));
  }
  if (options.max_viewers < 1 ||
      options.max_viewers > options.max_connections / 2) {
    return absl::InvalidArgumentError(
        "max_viewers: must be at least 1 and at most half of max_connections");
  }
  if (!options.serve_page && !options.serve_metrics) {
    return absl::InvalidArgumentError(
        "serve_page and serve_metrics: at least one must be true");
  }
  return absl::OkStatus();
}

absl::Status CheckReach(const StatusOptions& options,
                        const ListenSocket& socket) {
  if (socket.is_local()) return absl::OkStatus();
  if (options.tls_private_key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address: ", options.address,
        " is reached from other machines, so tls_certificate_chain, "
        "tls_private_key and token are required; or use 127.0.0.1, [::1] or "
        "unix:/path"));
  }
  if (options.token.size() < kMinToken) {
    return absl::InvalidArgumentError(
        absl::StrCat("token: required beyond loopback, with at least ",
                     kMinToken, " bytes; `openssl rand -hex 16` makes one"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RandomToken() {
  char bytes[16];
  if (getentropy(bytes, sizeof(bytes)) != 0) {
    return absl::UnavailableError("the system has no random numbers");
  }
  return absl::BytesToHexString(absl::string_view(bytes, sizeof(bytes)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StatusServer>> ServeStatus(
    StatusOptions options) {
  absl::Status status = Check(options);
  if (!status.ok()) return status;
  auto socket = ListenSocket::Open(options.address);
  if (!socket.ok()) return socket.status();
  status = CheckReach(options, **socket);
  if (!status.ok()) return status;
  auto csrf_token = RandomToken();
  if (!csrf_token.ok()) return csrf_token.status();

  SiteOptions site;
  site.monitor = std::move(options.monitor);
  site.serve_page = options.serve_page;
  site.serve_metrics = options.serve_metrics;
  RequestRules& rules = site.rules;
  rules.allowed_hosts = {"localhost", "127.0.0.1", "[::1]"};
  if (!(*socket)->host().empty()) {
    rules.allowed_hosts.push_back((*socket)->host());
  }
  for (const std::string& host : options.allowed_hosts) {
    rules.allowed_hosts.push_back(absl::AsciiStrToLower(host));
  }
  rules.tls = !options.tls_private_key.empty();
  rules.token = options.token;
  rules.csrf_token = *std::move(csrf_token);
  rules.actions = options.enable_actions;

  HttpDaemonOptions daemon_options;
  daemon_options.listen_fd = (*socket)->fd();
  daemon_options.tls_certificate_chain =
      std::move(options.tls_certificate_chain);
  daemon_options.tls_private_key = std::move(options.tls_private_key);
  daemon_options.max_connections = options.max_connections;
  daemon_options.max_viewers = options.max_viewers;
  const bool tls = site.rules.tls;
  auto daemon = HttpDaemon::Start(std::move(daemon_options),
                                  std::make_unique<Site>(std::move(site)));
  if (!daemon.ok()) return daemon.status();
  return std::make_unique<RunningServer>(*std::move(socket), tls,
                                         *std::move(daemon));
}

}  // namespace multi_backend

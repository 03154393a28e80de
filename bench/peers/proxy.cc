#include "multi_backend/bench/peers/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/peers/client/client_process.h"

namespace multi_backend {
namespace {

constexpr char kHaproxyProgram[] = "/usr/sbin/haproxy";
constexpr char kNginxProgram[] = "/usr/sbin/nginx";
constexpr int kNobody = 65534;  // The user and the group.
constexpr absl::Duration kPatience = absl::Seconds(20);

const char* Program(Proxy::Kind kind) {
  return kind == Proxy::Kind::kHaproxy ? kHaproxyProgram : kNginxProgram;
}

// A check is an empty call of the health service: an answer with the HTTP code
// 200, whatever its gRPC status, shows that the server is alive.
constexpr char kHaproxyFaults[] = R"(
  timeout server 100ms
  timeout check 500ms
  retries 2
  option redispatch 1
  retry-on all-retryable-errors
  option httpchk
  http-check connect proto h2
  http-check send meth POST uri /grpc.health.v1.Health/Check hdr content-type application/grpc hdr te trailers
  http-check expect status 200
  default-server check inter 500ms fastinter 100ms fall 2 rise 1 observe layer7 error-limit 3 on-error mark-down
)";

std::string HaproxyConfig(const Proxy::Options& options,
                          const std::string& address) {
  std::string text =
      absl::StrCat(R"(
global
  maxconn 2000
  tune.h2.max-concurrent-streams 1000
  tune.h2.initial-window-size 1048576
  tune.bufsize 131072
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend calls
  bind )",
                   address, R"( proto h2
  default_backend backends
backend backends
  balance )",
                   options.least_busy ? "leastconn" : "roundrobin", "\n");
  if (options.faults) absl::StrAppend(&text, kHaproxyFaults);
  if (!options.spares.empty()) {
    absl::StrAppend(&text, "  option allbackups\n");
  }
  int number = 0;
  for (const std::string& backend : options.backends) {
    absl::StrAppend(&text, "  server s", number++, " ", backend, " proto h2\n");
  }
  for (const std::string& spare : options.spares) {
    absl::StrAppend(&text, "  server s", number++, " ", spare,
                    " proto h2 backup\n");
  }
  return text;
}

std::string NginxConfig(const Proxy::Options& options,
                        const std::string& address,
                        const std::string& directory) {
  std::string servers = options.least_busy ? "least_conn;\n" : "";
  const char* const limits =
      options.faults ? " max_fails=1 fail_timeout=1s" : " max_fails=0";
  for (const std::string& backend : options.backends) {
    absl::StrAppend(&servers, "    server ", backend, limits, ";\n");
  }
  for (const std::string& spare : options.spares) {
    absl::StrAppend(&servers, "    server ", spare, limits, " backup;\n");
  }
  const char* const faults = options.faults ? R"(
      grpc_connect_timeout 100ms;
      grpc_read_timeout 100ms;
      grpc_next_upstream error timeout http_502 http_503 http_504 non_idempotent;
      grpc_next_upstream_tries 3;)"
                                            : "";
  return absl::StrCat(R"(
# For root of a user namespace that has no other users; others ignore it.
user root root;
daemon off;
master_process off;
pid )",
                      directory, R"(/pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path )",
                      directory, R"(/body;
  proxy_temp_path )",
                      directory, R"(/proxy;
  fastcgi_temp_path )",
                      directory, R"(/fastcgi;
  uwsgi_temp_path )",
                      directory, R"(/uwsgi;
  scgi_temp_path )",
                      directory, R"(/scgi;
  upstream backends {
    )",
                      servers, R"(
    keepalive 512;
    keepalive_requests 1000000000;
  }
  server {
    listen )",
                      address, R"( http2;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1000;
    http2_body_preread_size 1m;
    client_body_buffer_size 1m;
    client_max_body_size 0;
    error_page 502 503 504 = @unavailable;
    location @unavailable {
      internal;
      default_type application/grpc;
      add_header grpc-status 14 always;
      add_header content-length 0 always;
      return 204;
    }
    location / {
      grpc_pass grpc://backends;
      grpc_buffer_size 128k;)",
                      faults, R"(
    }
  }
}
)");
}

bool Listens(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

}  // namespace

bool Proxy::Installed(Kind kind) {
  return access(Program(kind), X_OK) == 0 && StoreProcess::CanLaunch();
}

absl::string_view Proxy::Name(Kind kind) {
  return kind == Kind::kHaproxy ? "HAProxy" : "nginx";
}

absl::string_view Proxy::HowToInstall(Kind kind) {
  return kind == Kind::kHaproxy
             ? "HAProxy is not installed (package haproxy): run tools/setup "
               "--tests"
             : "nginx is not installed (package nginx-light): run tools/setup "
               "--tests";
}

std::string Proxy::Version(Kind kind) {
  std::FILE* const pipe =
      popen(absl::StrCat(Program(kind), " -v 2>&1").c_str(), "r");
  char line[256] = {};
  if (pipe == nullptr || std::fgets(line, sizeof(line), pipe) == nullptr) {
    line[0] = '\0';
  }
  if (pipe != nullptr) pclose(pipe);
  std::string version = line;
  while (!version.empty() && version.back() == '\n') version.pop_back();
  return version;
}

absl::StatusOr<std::unique_ptr<Proxy>> Proxy::Start(Kind kind,
                                                    const Options& options) {
  absl::Status status;
  for (int attempt = 0; attempt < StoreProcess::kAttempts; ++attempt) {
    auto process = StoreProcess::Make("proxy");
    if (!process.ok()) return process.status();
    std::unique_ptr<Proxy> proxy(new Proxy(*std::move(process)));
    status = proxy->Launch(kind, options);
    if (status.ok()) return proxy;
  }
  return status;
}

absl::Status Proxy::Launch(Kind kind, const Options& options) {
  const std::string& directory = process_->directory();
  const std::string config = directory + "/config";
  std::ofstream(config) << (kind == Kind::kHaproxy
                                ? HaproxyConfig(options, address())
                                : NginxConfig(options, address(), directory));
  std::vector<std::string> command;
  // Root of a user namespace that has no other users is an ordinary user
  // outside, and cannot become another one.
  if (geteuid() == 0 && chown(directory.c_str(), kNobody, kNobody) == 0) {
    // The kernel forgets the signal when the user changes, so it is asked for
    // again.  HAProxy goes back to the directory that it was started in, which
    // that user may not enter.
    command = {"/usr/bin/env",
               "--chdir=" + directory,
               "/usr/bin/setpriv",
               absl::StrCat("--reuid=", kNobody),
               absl::StrCat("--regid=", kNobody),
               "--clear-groups",
               "--pdeathsig",
               "KILL"};
  }
  command.push_back(Program(kind));
  if (kind == Kind::kHaproxy) {
    command.insert(command.end(), {"-db", "-f", config});
  } else {
    command.insert(command.end(), {"-p", directory, "-c", config});
  }
  const absl::Status launched = process_->Launch(std::move(command));
  if (!launched.ok()) return launched;
  const absl::Time end = absl::Now() + kPatience;
  while (absl::Now() < end && !process_->HasEnded()) {
    if (Listens(process_->port())) return absl::OkStatus();
    poll(nullptr, 0, 10);
  }
  return absl::UnavailableError(
      absl::StrCat(Name(kind), " does not listen: ", process_->log()));
}

absl::Duration Proxy::ProcessorTime() const {
  return ProcessorTimeOf(process_->pid());
}

}  // namespace multi_backend

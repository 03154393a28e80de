// HttpDaemon: a Site on a listening socket, with libmicrohttpd.
//
// Why libmicrohttpd: it reads requests without waiting for any of them, so one
// thread serves all clients, slow ones too, and it takes sockets of every kind.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_HTTP_DAEMON_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_HTTP_DAEMON_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/http/connections.h"
#include "multi_backend/observability/admin/http/site.h"

struct MHD_Daemon;
struct MHD_Connection;

namespace multi_backend {

struct HttpDaemonOptions {
  int listen_fd = -1;  // Stays the caller's.
  std::string tls_certificate_chain;
  std::string tls_private_key;
  size_t max_connections = 0;
  size_t max_viewers = 0;
};

class HttpDaemon {
 public:
  // INVALID_ARGUMENT if the certificate or the key is wrong.
  static absl::StatusOr<std::unique_ptr<HttpDaemon>> Start(
      HttpDaemonOptions options, std::unique_ptr<Site> site);
  ~HttpDaemon();

 private:
  // One request and its answer.
  struct Exchange;
  // A client that follows the events.
  struct Viewer {
    // Whether it has taken all that was sent.
    bool HasAll() const { return sent == sending.size(); }
    // Only when it has all.
    void Send(std::string text) {
      sending = std::move(text);
      sent = 0;
    }

    MHD_Connection* connection = nullptr;
    std::string sending;
    size_t sent = 0;  // Bytes of `sending` that it has taken.
    uint64_t newest_event = 0;
    bool suspended = false;
    bool gone = false;
  };
  // The functions that libmicrohttpd calls.
  struct Callbacks;

  HttpDaemon(HttpDaemonOptions options, std::unique_ptr<Site> site);
  void Run();
  void FeedViewers(absl::Time now);
  void Resume(Viewer& viewer);
  int Queue(MHD_Connection* connection, Exchange& exchange);

  const HttpDaemonOptions options_;
  const std::unique_ptr<Site> site_;
  std::string log_;  // Of the start.
  MHD_Daemon* daemon_ = nullptr;
  std::atomic<bool> stop_{false};
  // The rest belongs to the thread.
  Connections connections_;
  std::list<Viewer> viewers_;
  uint64_t fed_event_ = 0;
  absl::Time fed_at_ = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_HTTP_HTTP_DAEMON_H_

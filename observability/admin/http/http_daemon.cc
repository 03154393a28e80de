#include "multi_backend/observability/admin/http/http_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/observability/admin/http/listen_socket.h"

namespace multi_backend {
namespace {

// The headers of a request, and the memory for each connection.
constexpr size_t kConnectionMemory = size_t{32} * 1024;
// What a viewer is sent at a time.
constexpr size_t kStreamChunk = size_t{32} * 1024;
// Without any byte from or to a client.
constexpr unsigned kIdleSeconds = 10;
// What a client has for each request, and for each answer.
constexpr absl::Duration kMaxTime = absl::Seconds(15);
// How often the thread looks after viewers and slow clients.
constexpr int kTickMilliseconds = 50;
// A status is pushed when something happened, but not more often than this.
constexpr absl::Duration kShortestPause = absl::Milliseconds(250);
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// Places for connections that were told to go and have not gone yet.
constexpr unsigned kClosingPlaces = 64;

void Shut(Connection& connection) { shutdown(connection.fd, SHUT_RDWR); }

// False if `fd` is closed, or belongs to another file by now.
bool IsSameSocket(int fd, int other) {
  struct stat a;
  struct stat b;
  return fstat(fd, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace

struct HttpDaemon::Exchange {
  HttpRequest request;
  bool begun = false;
  Viewer* viewer = nullptr;
};

struct HttpDaemon::Callbacks {
  static HttpDaemon& Self(void* self) {
    return *static_cast<HttpDaemon*>(self);
  }

  static Connection* PlaceOf(MHD_Connection* connection) {
    const auto* const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == nullptr ? nullptr
                           : static_cast<Connection*>(info->socket_context);
  }

  __attribute__((format(printf, 2, 0))) static void Log(void* self,
                                                        const char* format,
                                                        va_list arguments) {
    // Clients cause most of the messages, so the ones after the start are not
    // kept.
    if (Self(self).daemon_ != nullptr || Self(self).log_.size() > 1000) return;
    char line[300];
    vsnprintf(line, sizeof(line), format, arguments);
    absl::StrAppend(&Self(self).log_, line);
  }

  static void OnConnection(void* self, MHD_Connection* connection,
                           void** context,
                           MHD_ConnectionNotificationCode code) {
    HttpDaemon& daemon = Self(self);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
      if (*context != nullptr) {
        daemon.connections_.Remove(static_cast<Connection*>(*context));
      }
      return;
    }
    const int fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    Connection* surplus = nullptr;
    *context = daemon.connections_.Add(fd, SteadyNow(), &surplus);
    if (surplus != nullptr) Shut(*surplus);
  }

  static void* OnUri(void*, const char* uri, MHD_Connection*) {
    auto* const exchange = new Exchange;
    exchange->request.uri = uri;
    return exchange;
  }

  static MHD_Result OnHeader(void* headers, MHD_ValueKind, const char* name,
                             const char* value) {
    auto& known = *static_cast<HttpRequest::Headers*>(headers);
    std::string& header = known[absl::AsciiStrToLower(name)];
    absl::StrAppend(&header, header.empty() ? "" : ",",
                    value == nullptr ? "" : value);
    return MHD_YES;
  }

  static MHD_Result OnRequest(void* self, MHD_Connection* connection,
                              const char*, const char* method, const char*,
                              const char* data, size_t* size, void** context) {
    HttpDaemon& daemon = Self(self);
    Exchange& exchange = *static_cast<Exchange*>(*context);
    HttpRequest& request = exchange.request;
    if (!exchange.begun) {
      exchange.begun = true;
      request.method = method;
      MHD_get_connection_values(connection, MHD_HEADER_KIND, OnHeader,
                                &request.headers);
      request.peer = PeerName(
          MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
              ->connect_fd);
      // A body that is announced as too long is not read at all.
      uint64_t announced = 0;
      if (absl::SimpleAtoi(request.Header("content-length"), &announced) &&
          announced > kMaxActionBody) {
        request.body.assign(kMaxActionBody + 1, ' ');
        return static_cast<MHD_Result>(daemon.Queue(connection, exchange));
      }
      return MHD_YES;
    }
    if (*size > 0) {
      const size_t room = kMaxActionBody + 1 - request.body.size();
      request.body.append(data, std::min(room, *size));
      *size = 0;
      // One that was not announced ends the connection.
      return request.body.size() > kMaxActionBody ? MHD_NO : MHD_YES;
    }
    if (Connection* const place = PlaceOf(connection)) {
      daemon.connections_.Progress(place, SteadyNow());
    }
    return static_cast<MHD_Result>(daemon.Queue(connection, exchange));
  }

  static void OnCompleted(void* self, MHD_Connection* connection,
                          void** context, MHD_RequestTerminationCode) {
    auto* const exchange = static_cast<Exchange*>(*context);
    if (exchange == nullptr) return;
    *context = nullptr;
    if (exchange->viewer != nullptr) {
      HttpDaemon& daemon = Self(self);
      daemon.viewers_.remove_if([exchange](const Viewer& viewer) {
        return &viewer == exchange->viewer;
      });
    } else if (Connection* const place = PlaceOf(connection)) {
      Self(self).connections_.Progress(place, SteadyNow());
    }
    delete exchange;
  }

  static ssize_t OnStream(void* context, uint64_t, char* buffer, size_t max) {
    Viewer& viewer = *static_cast<Viewer*>(context);
    if (viewer.gone) return MHD_CONTENT_READER_END_OF_STREAM;
    if (viewer.HasAll()) {
      viewer.suspended = true;
      MHD_suspend_connection(viewer.connection);
      return 0;
    }
    const size_t size = viewer.sending.copy(buffer, max, viewer.sent);
    viewer.sent += size;
    return static_cast<ssize_t>(size);
  }
};

absl::StatusOr<std::unique_ptr<HttpDaemon>> HttpDaemon::Start(
    HttpDaemonOptions options, std::unique_ptr<Site> site) {
  std::unique_ptr<HttpDaemon> daemon(
      new HttpDaemon(std::move(options), std::move(site)));
  const HttpDaemonOptions& o = daemon->options_;
  const bool tls = !o.tls_private_key.empty();
  // Some starts that fail close the socket, and others do not, so libmicrohttpd
  // gets a descriptor of its own.
  const int listen_fd = fcntl(o.listen_fd, F_DUPFD_CLOEXEC, 0);
  if (listen_fd < 0) {
    return absl::UnavailableError(
        absl::ErrnoToStatus(errno, "the status page cannot start").message());
  }
  MHD_OptionItem tls_items[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0,
       const_cast<char*>(o.tls_certificate_chain.c_str())},
      {MHD_OPTION_HTTPS_MEM_KEY, 0,
       const_cast<char*>(o.tls_private_key.c_str())},
      {MHD_OPTION_END, 0, nullptr}};
  MHD_OptionItem no_items[] = {{MHD_OPTION_END, 0, nullptr}};
  daemon->daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
          (tls ? MHD_USE_TLS : 0),
      0, nullptr, nullptr, &Callbacks::OnRequest, daemon.get(),
      MHD_OPTION_EXTERNAL_LOGGER, &Callbacks::Log, daemon.get(),
      MHD_OPTION_LISTEN_SOCKET, static_cast<MHD_socket>(listen_fd),
      MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned>(o.max_connections + kClosingPlaces),
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
      MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::OnConnection, daemon.get(),
      MHD_OPTION_URI_LOG_CALLBACK, &Callbacks::OnUri, daemon.get(),
      MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::OnCompleted, daemon.get(),
      MHD_OPTION_ARRAY, tls ? tls_items : no_items, MHD_OPTION_END);
  if (daemon->daemon_ == nullptr) {
    // Another thread may have got the number of a descriptor that was closed.
    if (IsSameSocket(listen_fd, o.listen_fd)) close(listen_fd);
    const std::string why(absl::StripAsciiWhitespace(daemon->log_));
    if (tls) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tls_certificate_chain, tls_private_key: the page cannot use them; "
          "they must be PEM and fit each other: ",
          why));
    }
    return absl::UnavailableError(
        absl::StrCat("the status page cannot start: ", why));
  }
  // The application's signal handlers must not run on this thread, nor can a
  // client that is gone end the process by SIGPIPE.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  daemon->thread_ = std::thread([d = daemon.get()] { d->Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return daemon;
}

HttpDaemon::HttpDaemon(HttpDaemonOptions options, std::unique_ptr<Site> site)
    : options_(std::move(options)),
      site_(std::move(site)),
      connections_(options_.max_connections, kMaxTime) {}

HttpDaemon::~HttpDaemon() {
  if (daemon_ == nullptr) return;
  stop_.store(true);
  thread_.join();
  close(MHD_quiesce_daemon(daemon_));
  for (Viewer& viewer : viewers_) {
    viewer.gone = true;
    Resume(viewer);
  }
  MHD_run_wait(daemon_, 0);
  MHD_stop_daemon(daemon_);
}

void HttpDaemon::Run() {
  while (!stop_.load()) {
    MHD_run_wait(daemon_, kTickMilliseconds);
    const absl::Time now = SteadyNow();
    for (Connection* const overdue : connections_.Overdue(now)) Shut(*overdue);
    FeedViewers(now);
  }
}

void HttpDaemon::FeedViewers(absl::Time now) {
  if (viewers_.empty()) return;
  const bool new_events = site_->newest_event() != fed_event_;
  if (now - fed_at_ < (new_events ? kShortestPause : kLongestPause)) return;
  // Made for the first viewer that takes it, since it may have 10 MB.
  std::string status;
  for (Viewer& viewer : viewers_) {
    // One that reads slowly skips statuses; its next text has all events since.
    // One that does not read at all is closed after kIdleSeconds.
    if (!viewer.HasAll()) continue;
    if (status.empty()) {
      fed_at_ = now;
      fed_event_ = site_->newest_event();
      status = site_->StreamStatus();
    }
    viewer.Send(
        absl::StrCat(status, site_->StreamEvents(&viewer.newest_event)));
    Resume(viewer);
  }
}

void HttpDaemon::Resume(Viewer& viewer) {
  if (!viewer.suspended) return;
  viewer.suspended = false;
  MHD_resume_connection(viewer.connection);
}

int HttpDaemon::Queue(MHD_Connection* connection, Exchange& exchange) {
  HttpResponse answer = site_->Answer(exchange.request);
  if (answer.stream && viewers_.size() >= options_.max_viewers) {
    answer.stream = false;
    answer.status = 503;
    answer.headers.emplace_back("Retry-After", "10");
    answer.body = "too many pages follow the events; close one\n";
  }
  MHD_Response* response = nullptr;
  Connection* const place = Callbacks::PlaceOf(connection);
  if (answer.stream && exchange.request.method == "GET" && place != nullptr) {
    viewers_.emplace_back();
    Viewer& viewer = viewers_.back();
    viewer.connection = connection;
    // The destructor's last run may read a request, and must suspend nobody.
    viewer.gone = stop_.load();
    place->viewer = true;
    // A browser that connects again says what it has seen.
    (void)absl::SimpleAtoi(exchange.request.Header("last-event-id"),
                           &viewer.newest_event);
    viewer.Send(absl::StrCat(Site::StreamBeginning(), site_->StreamStatus(),
                             site_->StreamEvents(&viewer.newest_event)));
    exchange.viewer = &viewer;
    response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, kStreamChunk, &Callbacks::OnStream, &viewer, nullptr);
  } else {
    response = MHD_create_response_from_buffer(
        answer.body.size(), const_cast<char*>(answer.body.data()),
        MHD_RESPMEM_MUST_COPY);
  }
  if (response == nullptr) return MHD_NO;
  for (const auto& header : answer.headers) {
    MHD_add_response_header(response, header.first.c_str(),
                            header.second.c_str());
  }
  const int queued = MHD_queue_response(
      connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace multi_backend

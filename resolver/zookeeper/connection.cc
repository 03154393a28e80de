#include "multi_backend/resolver/zookeeper/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/zookeeper/server_addresses.h"
#include "multi_backend/resolver/zookeeper/target.h"
#include "zookeeper/zookeeper.h"

namespace multi_backend {
namespace {

// The patience with a session that never had a connection.  Such a session has
// nothing to lose, but the servers' addresses may have changed.
constexpr absl::Duration kConnectPatience = absl::Seconds(10);
// So many connections in a row that were shorter than kReconnectPatience end a
// session.  The library connects again after 170 ms.
constexpr int kShortConnectionsToEnd = 5;
// Doubled each time, for ensembles that need longer to begin a session.
constexpr absl::Duration kFirstSilencePatience = absl::Seconds(1);
// How often a handle without a connection is checked, because the library does
// not report silence.
constexpr absl::Duration kDownInterval = absl::Milliseconds(250);
// Answers that arrive close together wake the owner once for this many.
constexpr size_t kTogether = 100;
constexpr absl::Duration kShortestSession = absl::Milliseconds(100);
constexpr absl::Duration kLongestSession = absl::Hours(1);

// The creator may do everything; others may read.
const ACL_vector* OwnersAcl() {
  static ACL entries[] = {{ZOO_PERM_ALL, ZOO_AUTH_IDS},
                          {ZOO_PERM_READ, ZOO_ANYONE_ID_UNSAFE}};
  static const ACL_vector acl = {2, entries};
  return &acl;
}

}  // namespace

constexpr absl::Duration ZookeeperConnection::kReconnectPatience;

// Lives until its completion has run or its session is closed, because the
// library does not call all completions of a handle that it closes.
struct ZookeeperConnection::Request {
  ZookeeperConnection* connection;
  mutable Done done;           // Moved from when it is answered.
  zoo_op_result_t results[2];  // Of a ReplaceByEphemeral().
};

struct ZookeeperConnection::Calls {
  static ZookeeperConnection* ConnectionOf(const void* context) {
    return static_cast<const Request*>(context)->connection;
  }

  static void Watch(zhandle_t*, int type, int state, const char* path,
                    void* context) {
    auto* const self = static_cast<ZookeeperConnection*>(context);
    if (type == ZOO_SESSION_EVENT) {
      self->OnState(state);
    } else {
      self->PostCallback([self, type, path = std::string(path)] {
        self->on_watch_(type, path);
      });
    }
  }
  static void OnNames(int code, const String_vector* names,
                      const void* context) {
    Reply reply;
    reply.code = code;
    if (code == ZOK && names != nullptr) {
      reply.names.assign(names->data, names->data + names->count);
    }
    ConnectionOf(context)->OnReply(context, std::move(reply));
  }
  static void OnData(int code, const char* data, int size, const Stat*,
                     const void* context) {
    ZookeeperConnection* const self = ConnectionOf(context);
    Reply reply;
    reply.code = code;
    if (code == ZOK && size > 0) {
      reply.data.assign(data, std::min(static_cast<size_t>(size),
                                       self->options_.max_data_bytes));
    }
    self->OnReply(context, std::move(reply));
  }
  static void OnStat(int code, const Stat*, const void* context) {
    OnVoid(code, context);
  }
  static void OnString(int code, const char*, const void* context) {
    OnVoid(code, context);
  }
  static void OnVoid(int code, const void* context) {
    Reply reply;
    reply.code = code;
    ConnectionOf(context)->OnReply(context, std::move(reply));
  }
};

bool ZookeeperConnection::Reply::lost() const {
  return code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT ||
         code == ZSESSIONEXPIRED || code == ZSESSIONMOVED ||
         code == ZINVALIDSTATE || code == ZCLOSING;
}

ZookeeperConnection::ZookeeperConnection(Options options, OnWatch on_watch,
                                         std::function<void()> wake)
    : options_(std::move(options)),
      on_watch_(std::move(on_watch)),
      wake_(std::move(wake)),
      open_at_(Clock::now()),
      down_since_(open_at_),
      silence_patience_(kFirstSilencePatience),
      backoff_(options_.backoff),
      random_(std::random_device()()) {}

ZookeeperConnection::~ZookeeperConnection() { Close(); }

void ZookeeperConnection::Close() { CloseHandle(); }

absl::Status ZookeeperConnection::Open() {
  const auto credentials = ReadZookeeperCredentials(options_.credentials_file);
  if (!credentials.ok()) return credentials.status();
  const auto servers = ZookeeperServerAddresses(options_.servers);
  if (!servers.ok()) return servers.status();
  {
    MutexLock lock(&mu_);
    connected_ = false;
    established_ = false;
    short_connections_ = 0;
    end_state_ = 0;
    lost_ = Clock::now();
  }
  ++session_;
  const auto timeout = std::min(
      std::max(options_.session_timeout, kShortestSession), kLongestSession);
  handle_ =
      zookeeper_init2(servers->c_str(), &Calls::Watch,
                      static_cast<int>(absl::ToInt64Milliseconds(timeout)),
                      nullptr, this, ZOO_NO_LOG_CLIENTENV, [](const char*) {});
  if (handle_ == nullptr) {
    return absl::ErrnoToStatus(errno, "cannot begin a ZooKeeper session");
  }
  // Without this the library resolves the addresses again after each packet.
  zoo_set_servers_resolution_delay(handle_, -1);
  has_credentials_ = !credentials->empty();
  if (has_credentials_) {
    const int code =
        zoo_add_auth(handle_, "digest", credentials->data(),
                     static_cast<int>(credentials->size()), nullptr, nullptr);
    if (code != ZOK) {
      CloseHandle();
      return absl::UnavailableError(
          absl::StrCat("cannot use the ZooKeeper credentials: ", zerror(code)));
    }
  }
  return absl::OkStatus();
}

void ZookeeperConnection::CloseHandle() {
  if (handle_ != nullptr) zookeeper_close(handle_);
  handle_ = nullptr;
  silent_since_.reset();
  // The library's threads have ended.
  MutexLock lock(&mu_);
  connected_ = false;
  for (const Request* request : requests_) delete request;
  requests_.clear();
  steps_.clear();
  woken_ = false;
}

void ZookeeperConnection::EndSession(absl::Duration pause) {
  CloseHandle();
  open_at_ = Clock::now() + absl::ToChronoNanoseconds(pause);
  down_ = true;
  down_since_ = open_at_;
}

void ZookeeperConnection::EndIfOver(Clock::time_point now) {
  int end_state = 0;
  bool over = false;
  {
    MutexLock lock(&mu_);
    const auto patience = established_ ? kReconnectPatience : kConnectPatience;
    end_state = end_state_;
    if (connected_ && end_state == 0) return;
    over = end_state != 0 ||
           now - lost_ >= absl::ToChronoNanoseconds(patience) ||
           short_connections_ >= kShortConnectionsToEnd;
  }
  if (!over && !IsSilent(now)) return;
  CloseHandle();
  open_at_ = now;
  if (end_state == ZOO_AUTH_FAILED_STATE) {
    RetryLater(absl::UnauthenticatedError("the credentials were refused"));
  }
}

bool ZookeeperConnection::IsSilent(Clock::time_point now) {
  if (zoo_state(handle_) != ZOO_ASSOCIATING_STATE) {
    silent_since_.reset();
    return false;
  }
  if (!silent_since_.has_value()) silent_since_ = now;
  if (now - *silent_since_ < absl::ToChronoNanoseconds(silence_patience_)) {
    return false;
  }
  silence_patience_ = std::min(2 * silence_patience_, kConnectPatience);
  return true;
}

void ZookeeperConnection::RetryLater(absl::Status problem) {
  problem_ = std::move(problem);
  std::uniform_real_distribution<> unit(0, 1);
  open_at_ =
      Clock::now() + absl::ToChronoNanoseconds(backoff_.Next(unit(random_)));
}

ZookeeperConnection::Status ZookeeperConnection::Poll() {
  if (handle_ != nullptr) EndIfOver(Clock::now());
  if (handle_ == nullptr && Clock::now() >= open_at_) {
    absl::Status opened = Open();
    if (!opened.ok()) RetryLater(std::move(opened));
  }
  RunSteps();
  const auto now = Clock::now();
  Status status;
  status.session = session_;
  MutexLock lock(&mu_);
  status.connected = connected_;
  status.connection = connections_;
  if (connected_) {
    down_ = false;
    problem_ = absl::OkStatus();
    silence_patience_ = kFirstSilencePatience;
    backoff_.Reset();
    status.again = absl::InfiniteDuration();
    return status;
  }
  if (!down_) down_since_ = now;
  down_ = true;
  status.error = problem_;
  if (handle_ == nullptr) {
    status.again = absl::FromChrono(open_at_ - now);
    return status;
  }
  status.again = kDownInterval;
  if (now - down_since_ >= absl::ToChronoNanoseconds(kReconnectPatience) &&
      status.error.ok()) {
    status.error = absl::UnavailableError(
        absl::StrCat("no connection to ", options_.servers));
  }
  return status;
}

void ZookeeperConnection::OnState(int state) {
  const auto now = Clock::now();
  {
    MutexLock lock(&mu_);
    if (state == ZOO_CONNECTED_STATE) {
      if (!connected_) connected_at_ = now;
      connected_ = true;
      established_ = true;
      ++connections_;
    } else {
      if (connected_) {
        lost_ = now;
        const bool was_short =
            now - connected_at_ < absl::ToChronoNanoseconds(kReconnectPatience);
        short_connections_ = was_short ? short_connections_ + 1 : 0;
      }
      connected_ = false;
      if (state == ZOO_EXPIRED_SESSION_STATE ||
          state == ZOO_AUTH_FAILED_STATE) {
        end_state_ = state;
      }
    }
  }
  wake_();
}

void ZookeeperConnection::PostCallback(std::function<void()> step,
                                       const Request* answered) {
  bool wake = true;
  {
    MutexLock lock(&mu_);
    steps_.push_back(std::move(step));
    if (answered != nullptr) {
      requests_.erase(answered);
      // A server answers in the order of the requests.  So while requests are
      // open, either more answers follow or the connection is lost.
      wake = requests_.empty() || steps_.size() >= kTogether;
    }
    wake = wake && !woken_;
    woken_ = woken_ || wake;
  }
  if (wake) wake_();
}

void ZookeeperConnection::RunSteps() {
  std::vector<std::function<void()>> steps;
  {
    MutexLock lock(&mu_);
    steps.swap(steps_);
    woken_ = false;
  }
  for (auto& step : steps) {
    // A step may end the session.
    if (handle_ == nullptr) return;
    step();
  }
}

void ZookeeperConnection::OnReply(const void* context, Reply reply) {
  const auto* const request = static_cast<const Request*>(context);
  PostCallback([done = std::move(request->done),
                reply = std::move(reply)]() mutable { done(std::move(reply)); },
               request);
  delete request;
}

template <typename Send>
void ZookeeperConnection::Ask(Done done, Send send) {
  if (handle_ == nullptr) return;
  auto* const request = new Request{this, std::move(done), {}};
  {
    MutexLock lock(&mu_);
    requests_.insert(request);
  }
  const int code = send(request);
  if (code != ZOK) Calls::OnVoid(code, request);
}

void ZookeeperConnection::GetChildren(const std::string& path, Done done) {
  Ask(std::move(done), [&](Request* request) {
    return zoo_awget_children(handle_, path.c_str(), &Calls::Watch, this,
                              &Calls::OnNames, request);
  });
}

void ZookeeperConnection::GetData(const std::string& path, Done done) {
  Ask(std::move(done), [&](Request* request) {
    return zoo_awget(handle_, path.c_str(), &Calls::Watch, this, &Calls::OnData,
                     request);
  });
}

void ZookeeperConnection::GetWhetherExists(const std::string& path, Done done) {
  Ask(std::move(done), [&](Request* request) {
    return zoo_awexists(handle_, path.c_str(), &Calls::Watch, this,
                        &Calls::OnStat, request);
  });
}

void ZookeeperConnection::CreateNode(const std::string& path, Done done) {
  Ask(std::move(done), [&](Request* request) {
    return zoo_acreate(handle_, path.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE,
                       ZOO_PERSISTENT, &Calls::OnString, request);
  });
}

const ACL_vector* ZookeeperConnection::AclOfEphemeral() const {
  return has_credentials_ ? OwnersAcl() : &ZOO_OPEN_ACL_UNSAFE;
}

void ZookeeperConnection::CreateEphemeral(const std::string& path,
                                          const std::string& data, Done done) {
  Ask(std::move(done), [&](Request* request) {
    return zoo_acreate(handle_, path.c_str(), data.data(),
                       static_cast<int>(data.size()), AclOfEphemeral(),
                       ZOO_EPHEMERAL, &Calls::OnString, request);
  });
}

void ZookeeperConnection::ReplaceByEphemeral(const std::string& path,
                                             const std::string& data,
                                             Done done) {
  zoo_op_t operations[2];
  zoo_delete_op_init(&operations[0], path.c_str(), -1);
  zoo_create_op_init(&operations[1], path.c_str(), data.data(),
                     static_cast<int>(data.size()), AclOfEphemeral(),
                     ZOO_EPHEMERAL, nullptr, 0);
  Ask(std::move(done), [&](Request* request) {
    return zoo_amulti(handle_, 2, operations, request->results, &Calls::OnVoid,
                      request);
  });
}

}  // namespace multi_backend

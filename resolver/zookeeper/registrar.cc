#include "multi_backend/resolver/zookeeper/registrar.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/source/random_id.h"
#include "multi_backend/resolver/zookeeper/record.h"
#include "zookeeper/zookeeper.h"

namespace multi_backend {
namespace {

// The pause after the node was deleted by another client.  That may be another
// process with the same id, which does the same.
constexpr absl::Duration kDeletedPause = absl::Milliseconds(100);

ZookeeperConnection::Options ConnectionOptions(
    const ZookeeperTarget& target, const RegistrarOptions& options) {
  ZookeeperConnection::Options result;
  result.servers = target.servers;
  result.session_timeout = options.ttl;
  result.credentials_file = options.credentials_file;
  result.backoff = options.backoff;
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registrar>> ZookeeperRegistrar::Make(
    absl::string_view servers, absl::string_view path, const Endpoint& endpoint,
    RegistrarOptions options) {
  auto target = ZookeeperTarget::Parse(servers, path);
  if (!target.ok()) return target.status();
  if (options.id.empty()) options.id = RandomId();
  absl::Status status = CheckZookeeperName(options.id);
  if (!status.ok()) return status;
  const std::string refused = EndpointPolicy().ReasonToRefuse(endpoint);
  if (!refused.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "endpoint ", endpoint.address(), ": clients refuse it: ", refused));
  }
  auto registrar = absl::WrapUnique(
      new ZookeeperRegistrar(*std::move(target), endpoint, std::move(options)));
  ZookeeperRegistrar* const raw = registrar.get();
  raw->thread_.Start("mb_registrar", [raw] { raw->Follow(); });
  return std::unique_ptr<Registrar>(std::move(registrar));
}

ZookeeperRegistrar::ZookeeperRegistrar(ZookeeperTarget target,
                                       const Endpoint& endpoint,
                                       RegistrarOptions options)
    : target_(std::move(target)),
      endpoint_(endpoint),
      options_(std::move(options)),
      path_(absl::StrCat(target_.path, "/", options_.id)),
      backoff_(options_.backoff),
      random_(std::random_device()()),
      status_(absl::UnavailableError("no answer yet")),
      connection_(
          ConnectionOptions(target_, options_),
          [this](int event, const std::string&) {
            if (event == ZOO_DELETED_EVENT) {
              CreateAgainSoon();
            } else if (node_ == Node::kListed) {
              Watch();
            }
          },
          [this] { thread_.Wake(); }) {}

ZookeeperRegistrar::~ZookeeperRegistrar() { Close(); }

absl::Status ZookeeperRegistrar::AwaitRegistered(absl::Duration timeout) {
  // An hour is long enough and does not overflow.
  const auto end = Clock::now() +
                   absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(1)));
  MutexLock lock(&mu_);
  while (!status_.ok() && !closed_ && Clock::now() < end) {
    changed_.WaitUntil(&mu_, end);
  }
  if (closed_) {
    return absl::CancelledError(
        absl::StrCat(target_.ToString(), ": the registrar is closed"));
  }
  if (status_.ok()) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(
      endpoint_.address(), " is not registered with ", target_.ToString(),
      " after ", absl::FormatDuration(timeout), ": ", status_.message()));
}

absl::Status ZookeeperRegistrar::last_error() const {
  MutexLock lock(&mu_);
  // A copy that shares no text; DynamicEndpointGroup::last_error() says why.
  return absl::Status(status_.code(), status_.message());
}

void ZookeeperRegistrar::Close() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
    status_ = absl::CancelledError("the registrar is closed");
  }
  changed_.SignalAll();
  MutexLock lock(&closing_);
  thread_.Stop();
  // Ends the session, and with it the node.
  connection_.Close();
}

void ZookeeperRegistrar::SetStatus(absl::Status status) {
  {
    MutexLock lock(&mu_);
    if (closed_) return;
    status_ = std::move(status);
  }
  changed_.SignalAll();
}

void ZookeeperRegistrar::Follow() {
  const std::shared_ptr<SourceThread::Signal>& signal = thread_.signal();
  while (!signal->stopped()) {
    signal->TakeWake();
    const ZookeeperConnection::Status status = connection_.Poll();
    TakeConnection(status);
    absl::Duration wait = status.again;
    if (status.connected && node_ == Node::kMissing) {
      const auto pause = absl::FromChrono(not_before_ - Clock::now());
      if (pause <= absl::ZeroDuration()) {
        Create();
      } else {
        wait = std::min(wait, pause);
      }
    }
    signal->Wait(wait);
  }
}

void ZookeeperRegistrar::TakeConnection(
    const ZookeeperConnection::Status& status) {
  // A listed node stays as long as its session, and the library keeps the
  // watch.
  if (status.session != session_ ||
      (status.connection != connections_ && node_ == Node::kAsked)) {
    if (node_ == Node::kListed) {
      SetStatus(absl::UnavailableError("the session has ended"));
    }
    node_ = Node::kMissing;
  }
  session_ = status.session;
  connections_ = status.connection;
  if (!status.error.ok()) SetStatus(status.error);
  if (status.connected && node_ == Node::kListed) SetStatus(absl::OkStatus());
}

void ZookeeperRegistrar::Create() {
  node_ = Node::kAsked;
  connection_.CreateEphemeral(
      path_,
      FormatZookeeperRecord(endpoint_, target_.service(), options_.id,
                            absl::Now()),
      [this](const ZookeeperConnection::Reply& reply) {
        if (reply.code == ZNODEEXISTS) {
          // The node belongs to an earlier session of this registrar that the
          // server has not ended yet, or to this session, whose answer was
          // lost.
          connection_.ReplaceByEphemeral(
              path_,
              FormatZookeeperRecord(endpoint_, target_.service(), options_.id,
                                    absl::Now()),
              [this](const ZookeeperConnection::Reply& replaced) {
                TakeCreated(replaced);
              });
        } else {
          TakeCreated(reply);
        }
      });
}

void ZookeeperRegistrar::TakeCreated(const ZookeeperConnection::Reply& reply) {
  if (reply.lost()) return;
  if (reply.code == ZOK) {
    backoff_.Reset();
    Watch();
  } else if (reply.code == ZNONODE) {
    // The parent is missing; or the old node has just gone, in which case the
    // next attempt finds the parents in place.
    CreateParent(path_.find('/', 1));
  } else {
    RetryAfterBackoff(reply.code);
  }
}

void ZookeeperRegistrar::CreateParent(size_t end) {
  if (end == std::string::npos) {
    Create();
    return;
  }
  connection_.CreateNode(
      path_.substr(0, end),
      [this, end](const ZookeeperConnection::Reply& reply) {
        if (reply.lost()) return;
        const size_t next = path_.find('/', end + 1);
        // A client that may not create a node above may still be allowed to
        // below.
        const bool go_on = reply.code == ZOK || reply.code == ZNODEEXISTS ||
                           (reply.code == ZNOAUTH && next != std::string::npos);
        if (!go_on) {
          RetryAfterBackoff(reply.code);
          return;
        }
        CreateParent(next);
      });
}

void ZookeeperRegistrar::Watch() {
  connection_.GetWhetherExists(path_,
                               [this](const ZookeeperConnection::Reply& reply) {
                                 if (reply.lost()) return;
                                 if (reply.code == ZOK) {
                                   node_ = Node::kListed;
                                   SetStatus(absl::OkStatus());
                                 } else if (reply.code == ZNONODE) {
                                   CreateAgainSoon();
                                 } else {
                                   RetryAfterBackoff(reply.code);
                                 }
                               });
}

void ZookeeperRegistrar::CreateAgainSoon() {
  node_ = Node::kMissing;
  not_before_ = Clock::now() + absl::ToChronoNanoseconds(kDeletedPause);
  SetStatus(absl::NotFoundError(absl::StrCat("node ", path_, " was deleted")));
}

void ZookeeperRegistrar::RetryAfterBackoff(int code) {
  const std::string text =
      absl::StrCat("cannot create node ", path_, ": ", zerror(code));
  SetStatus(code == ZNOAUTH ? absl::PermissionDeniedError(text)
                            : absl::UnavailableError(text));
  std::uniform_real_distribution<> unit(0, 1);
  // The credentials are read again, too.
  connection_.EndSession(backoff_.Next(unit(random_)));
}

}  // namespace multi_backend

#include "multi_backend/resolver/zookeeper/endpoint_group.h"

#include <algorithm>
#include <cstddef>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/zookeeper/record.h"
#include "zookeeper/zookeeper.h"

namespace multi_backend {
namespace {

// The number of records that are asked for at the same time.  It is enough to
// keep the connection busy, and bounds the memory of the answers under way.
constexpr size_t kWindow = 1000;

ZookeeperConnection::Options ConnectionOptions(
    const ZookeeperTarget& target, const ZookeeperSourceOptions& options) {
  ZookeeperConnection::Options result;
  result.servers = target.servers;
  result.session_timeout = options.session_timeout;
  result.credentials_file = options.credentials_file;
  result.backoff = options.backoff;
  // One byte more, so that the parser sees that a node is too large.
  result.max_data_bytes = kMaxZookeeperRecordBytes + 1;
  return result;
}

}  // namespace

absl::StatusOr<std::shared_ptr<EndpointGroup>> ZookeeperEndpointGroup::Make(
    absl::string_view servers, absl::string_view path,
    ZookeeperSourceOptions options) {
  auto target = ZookeeperTarget::Parse(servers, path);
  if (!target.ok()) return target.status();
  std::shared_ptr<ZookeeperEndpointGroup> group = absl::WrapUnique(
      new ZookeeperEndpointGroup(*std::move(target), std::move(options)));
  ZookeeperEndpointGroup* const raw = group.get();
  raw->thread_.Start("mb_zookeeper", [raw] { raw->Follow(); });
  return std::shared_ptr<EndpointGroup>(std::move(group));
}

ZookeeperEndpointGroup::ZookeeperEndpointGroup(ZookeeperTarget target,
                                               ZookeeperSourceOptions options)
    : DiscoveredEndpointGroup(options.empty),
      target_(std::move(target)),
      options_(std::move(options)),
      backoff_(options_.backoff),
      random_(std::random_device()()),
      connection_(
          ConnectionOptions(target_, options_),
          [this](int event, const std::string& path) {
            TakeEvent(event, path);
          },
          [this] { thread_.Wake(); }) {}

ZookeeperEndpointGroup::~ZookeeperEndpointGroup() { Stop(); }

void ZookeeperEndpointGroup::Stop() {
  thread_.Stop();
  connection_.Close();
}

void ZookeeperEndpointGroup::Follow() {
  const std::shared_ptr<SourceThread::Signal> signal = thread_.signal();
  while (!signal->stopped()) {
    signal->TakeWake();
    const ZookeeperConnection::Status status = connection_.Poll();
    TakeConnection(status);
    absl::Duration wait = status.again;
    const auto unsettled = absl::FromChrono(settled_at_ - Clock::now());
    if (unsettled > absl::ZeroDuration()) {
      wait = std::min(wait, unsettled);
    } else if (status.connected) {
      if (names_ == Names::kUnread) AskForNames();
      AskForRecords();
    }
    if (unsettled <= absl::ZeroDuration() || error_is_new_) {
      Report();
      // A watch's callback may have ended this group.
      if (signal->stopped()) return;
    }
    signal->Wait(wait);
  }
}

void ZookeeperEndpointGroup::TakeConnection(
    const ZookeeperConnection::Status& status) {
  if (status.session != session_) {
    // Until the names are read again, having no children does not mean that the
    // list is empty.
    children_.Clear();
    names_ = Names::kUnread;
    session_ = status.session;
  }
  if (status.connection != connections_) {
    // The library keeps the watches of a session that goes on, but open
    // requests are lost.  The names are read again in any case, which costs one
    // request.
    children_.ForgetAsked();
    names_ = Names::kUnread;
    connections_ = status.connection;
  }
  if (!status.error.ok() && status.error != error_) {
    SetNewError(status.error);
  }
}

void ZookeeperEndpointGroup::TakeEvent(int event, absl::string_view path) {
  const auto now = Clock::now();
  if (now >= settled_at_) {
    settled_at_ = now + absl::ToChronoNanoseconds(options_.settle);
  }
  if (path == target_.path) {
    names_ = Names::kUnread;
    return;
  }
  if (!absl::ConsumePrefix(&path, target_.path) ||
      !absl::ConsumePrefix(&path, "/")) {
    return;
  }
  if (event == ZOO_DELETED_EVENT) {
    // The watch of the names fires, too.
    children_.Remove(path);
  } else {
    children_.SetUnread(path);
  }
  changed_ = true;
}

void ZookeeperEndpointGroup::AskForNames() {
  names_ = Names::kAsked;
  connection_.GetChildren(target_.path,
                          [this](ZookeeperConnection::Reply reply) {
                            TakeNames(std::move(reply));
                          });
}

void ZookeeperEndpointGroup::TakeNames(ZookeeperConnection::Reply reply) {
  const size_t limit = options_.policy.limits().max_endpoints;
  if (reply.lost()) return;
  if (reply.code == ZNONODE) {
    AskWhetherExists();
  } else if (reply.code != ZOK) {
    RetryAfterBackoff(
        reply.code == ZNOAUTH
            ? absl::PermissionDeniedError(
                  absl::StrCat("node ", target_.path, " may not be read"))
            : absl::UnavailableError(absl::StrCat("node ", target_.path, ": ",
                                                  zerror(reply.code))));
  } else if (reply.names.size() > limit) {
    children_.Clear();
    SetNewError(absl::ResourceExhaustedError(absl::StrCat(
        reply.names.size(), " children, at most ", limit, " are allowed")));
  } else {
    backoff_.Reset();
    names_ = Names::kRead;
    children_.SetNames(std::move(reply.names));
    changed_ = true;
  }
}

void ZookeeperEndpointGroup::AskWhetherExists() {
  connection_.GetWhetherExists(
      target_.path, [this](const ZookeeperConnection::Reply& reply) {
        if (reply.lost()) return;
        if (reply.code == ZOK) {
          // The node was created in between, and this request now watches its
          // data.  A new session does not have that watch.
          connection_.EndSession(absl::ZeroDuration());
          return;
        }
        children_.Clear();
        SetNewError(absl::NotFoundError(
            absl::StrCat("there is no node ", target_.path)));
      });
}

void ZookeeperEndpointGroup::AskForRecords() {
  if (children_.asked() > kWindow / 2) return;
  for (const std::string& name : children_.TakeUnread(kWindow)) {
    connection_.GetData(absl::StrCat(target_.path, "/", name),
                        [this, name](const ZookeeperConnection::Reply& reply) {
                          TakeRecord(name, reply);
                        });
  }
}

void ZookeeperEndpointGroup::TakeRecord(
    const std::string& name, const ZookeeperConnection::Reply& reply) {
  if (reply.lost()) return;
  if (reply.code == ZOK) {
    children_.SetRecord(name, ParseZookeeperRecord(reply.data));
  } else if (reply.code == ZNOAUTH) {
    children_.SetRecord(name, absl::PermissionDeniedError("may not be read"));
  } else if (reply.code == ZNONODE) {
    // The watch of the names has fired or will fire.
    children_.Remove(name);
  } else {
    RetryAfterBackoff(absl::UnavailableError(absl::StrCat(
        "node ", target_.path, "/", name, ": ", zerror(reply.code))));
  }
}

void ZookeeperEndpointGroup::SetNewError(absl::Status error) {
  error_ = std::move(error);
  error_is_new_ = true;
}

void ZookeeperEndpointGroup::RetryAfterBackoff(absl::Status error) {
  SetNewError(std::move(error));
  std::uniform_real_distribution<> unit(0, 1);
  // The credentials are read again, too.
  connection_.EndSession(backoff_.Next(unit(random_)));
}

void ZookeeperEndpointGroup::Report() {
  if (error_is_new_) {
    error_is_new_ = false;
    changed_ = false;
    const bool no_node = absl::IsNotFound(error_);
    if (no_node && options_.empty == EmptyAnswer::kIsAList) {
      Publish({});
    } else {
      Fail(error_);
    }
    return;
  }
  if (!changed_ || names_ != Names::kRead || !children_.complete()) return;
  changed_ = false;
  error_ = absl::OkStatus();
  auto admitted = children_.Admit(options_.policy);
  if (admitted.ok()) {
    Publish(*std::move(admitted));
  } else {
    Fail(admitted.status());
  }
}

}  // namespace multi_backend

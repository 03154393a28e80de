// ZookeeperEndpointGroup: endpoints from the children of a ZooKeeper node
// (record.h says what a child's data may be), followed by watches.
//
//   auto group = ZookeeperEndpointGroup::Make("h1:2181,h2:2181",
//                                             "/services/users");
//
// One set of watches: of the node's children, and of the data of each child; a
// node that is not there yet is waited for.  After a change the group waits for
// `settle`, so that many changes are one new list.  Endpoints come in the order
// of the children's names.
//
// While the ensemble is away the list stays, and last_error() says so.  When it
// is back the list is right as soon as the children are read: about 0.2 s for
// 10,000.  A node that is missing or has no children changes nothing either,
// unless `empty` says otherwise: more often it is a store that lost its data.
//
// Threads: one of its own and two of libzookeeper's; they end with Close() or
// the group, which wait for 1.5 s at most when the server has frozen, and for
// the system's resolver when it is looking for the servers' addresses.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_ENDPOINT_GROUP_H_

#include <chrono>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/groups/discovered_endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/source/backoff.h"
#include "multi_backend/resolver/source/thread.h"
#include "multi_backend/resolver/zookeeper/children.h"
#include "multi_backend/resolver/zookeeper/connection.h"
#include "multi_backend/resolver/zookeeper/target.h"

namespace multi_backend {

struct ZookeeperSourceOptions {
  EndpointPolicy policy;
  // A file with "user:password" for the scheme `digest`; "" = as the
  // environment says, see ReadZookeeperCredentials().
  std::string credentials_file;
  // A server that says nothing for two thirds of it is given up.
  absl::Duration session_timeout = absl::Seconds(10);
  absl::Duration settle = absl::Milliseconds(50);
  // Between attempts while the node may not be read, or servers' names have
  // no addresses.
  BackoffOptions backoff;
  EmptyAnswer empty = EmptyAnswer::kKeepsTheList;
};

class ZookeeperEndpointGroup final : public DiscoveredEndpointGroup {
 public:
  // As ZookeeperTarget::Parse().  Waits for nothing.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view servers, absl::string_view path,
      ZookeeperSourceOptions options = {});
  ~ZookeeperEndpointGroup() override;

 protected:
  std::string Name() const override { return target_.ToString(); }
  void OnClose() override { Stop(); }

 private:
  using Clock = std::chrono::steady_clock;

  ZookeeperEndpointGroup(ZookeeperTarget target,
                         ZookeeperSourceOptions options);

  // Nothing runs after this but what it was called from.
  void Stop();

  // Everything below is the thread's own.

  void Follow();
  void TakeConnection(const ZookeeperConnection::Look& look);
  void TakeEvent(int event, absl::string_view path);
  void TakeNames(ZookeeperConnection::Reply reply);
  void TakeRecord(const std::string& name,
                  const ZookeeperConnection::Reply& reply);
  void AskForNames();
  void AskWhetherExists();
  void AskForRecords();
  void SetNewError(absl::Status error);
  // There is nothing to wait for but time.
  void RetryAfterBackoff(absl::Status error);
  // Publishes what is new.  A watch's callback may destroy the group in here.
  void Report();

  const ZookeeperTarget target_;
  const ZookeeperSourceOptions options_;

  // kAsked also: no answer is to come in this connection, or a watch has to.
  enum class Names { kUnread, kAsked, kRead };
  Names names_ = Names::kUnread;
  ZookeeperChildren children_;
  int session_ = 0;
  int connections_ = 0;
  bool changed_ = false;  // The children, since the last list.
  absl::Status error_;    // The newest; OK: there is none.
  bool error_is_new_ = false;
  Clock::time_point settled_at_;  // Nothing is read or published before.
  Backoff backoff_;
  std::minstd_rand random_;

  ZookeeperConnection connection_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_ENDPOINT_GROUP_H_

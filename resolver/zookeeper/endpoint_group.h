// ZookeeperEndpointGroup: an endpoint group whose endpoints are the children of
// a ZooKeeper node (record.h says what a child's data may be), kept up to date
// by watches.
//
//   auto group = ZookeeperEndpointGroup::Make("h1:2181,h2:2181",
//                                             "/services/users");
//
// The group watches the node's children and the data of each child.  If the
// node does not exist yet, the group waits for it.  After a change it waits for
// `settle`, so that many changes become one new list.  Endpoints come in the
// order of the children's names.
//
// While the ensemble cannot be reached the list stays, and last_error() says
// so.  Once it can be reached again the list is right as soon as the children
// have been read: about 0.2 s for 10,000.  A node that is missing or has no
// children does not change the list either, unless `empty` says otherwise,
// because that is more often a store that lost its data.
//
// Threads: one of its own and two of libzookeeper's.  They end with Close() or
// with the group.  Both wait at most 1.5 s when the server has frozen, and for
// the system's resolver while it looks up the servers' addresses.
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
  // A server that is silent for two thirds of this time is given up.
  absl::Duration session_timeout = absl::Seconds(10);
  absl::Duration settle = absl::Milliseconds(50);
  // Between attempts while the node may not be read, or the servers' names have
  // no addresses.
  BackoffOptions backoff;
  EmptyAnswer empty = EmptyAnswer::kKeepsTheList;
};

class ZookeeperEndpointGroup final : public DiscoveredEndpointGroup {
 public:
  // Errors as of ZookeeperTarget::Parse().  Does not wait for the servers.
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

  // After this nothing runs except the callback that called it, if any.
  void Stop();

  // Everything below is used by the thread only.

  void Follow();
  void TakeConnection(const ZookeeperConnection::Status& status);
  void TakeEvent(int event, absl::string_view path);
  void TakeNames(ZookeeperConnection::Reply reply);
  void TakeRecord(const std::string& name,
                  const ZookeeperConnection::Reply& reply);
  void AskForNames();
  void AskWhetherExists();
  void AskForRecords();
  void SetNewError(absl::Status error);
  // Begins another session after a backoff, because no event will tell when to
  // try again.
  void RetryAfterBackoff(absl::Status error);
  // Publishes what is new.  The callback of a watch may destroy the group
  // during this.
  void Report();

  const ZookeeperTarget target_;
  const ZookeeperSourceOptions options_;

  // kAsked also means that no answer will come in this connection, or that a
  // watch has to fire first.
  enum class Names { kUnread, kAsked, kRead };
  Names names_ = Names::kUnread;
  ZookeeperChildren children_;
  int session_ = 0;
  int connections_ = 0;
  bool changed_ = false;  // Since the last list.
  absl::Status error_;    // The newest; OK = no error.
  bool error_is_new_ = false;
  Clock::time_point settled_at_;  // Nothing happens before.
  Backoff backoff_;
  std::minstd_rand random_;

  ZookeeperConnection connection_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_ENDPOINT_GROUP_H_

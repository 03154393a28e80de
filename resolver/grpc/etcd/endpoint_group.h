// EtcdEndpointGroup: an endpoint group whose endpoints are the keys under a
// prefix of an etcd cluster, kept up to date by a watch (resolver/etcd/record.h
// says what a key's value may be).
//
//   auto group = EtcdEndpointGroup::Make("h1:2379,h2:2379",
//                                        "/services/users/");
//
// The group reads all keys and then watches for changes since then; changes
// that arrive together become one list.  When the server fails or falls silent,
// or the changes were compacted away, the group begins again with the next
// server.  So a store that was restarted or lost its data needs no special
// handling.
//
// The list stays while no server serves.  It also stays when the prefix is
// empty, unless `empty` says otherwise, because that is more often a mistake.
//
// The channel to the store is an ordinary gRPC channel.  gRPC must know this
// library before it makes its first channel: a process that also uses
// CreateChannel() or Register() must call Register() before it makes the group.
//
// Threads: one of its own, which ends with Close() or with the group.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/etcd/records.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/resolver/groups/discovered_endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/options.h"
#include "multi_backend/resolver/source/thread.h"

namespace multi_backend {

class EtcdSession;
class StoppableCalls;

struct EtcdSourceOptions {
  EtcdOptions client;
  EndpointPolicy policy;
  EmptyAnswer empty = EmptyAnswer::kKeepsTheList;
};

class EtcdEndpointGroup final : public DiscoveredEndpointGroup {
 public:
  // `prefix` is used as it is: "/services/users/".  INVALID_ARGUMENT: bad
  // servers or an empty prefix.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view servers, absl::string_view prefix,
      EtcdSourceOptions options = {});
  ~EtcdEndpointGroup() override;

 protected:
  std::string Name() const override { return target_.ToString(); }
  void OnClose() override;

 private:
  EtcdEndpointGroup(EtcdTarget target, EtcdSourceOptions options);

  // Runs on the group's thread.
  void Follow();
  // FollowServer() and FollowEvents() return the error that ended them.
  absl::Status FollowServer(const Endpoint& server, StoppableCalls& calls);
  absl::Status FollowEvents(EtcdSession& session, EtcdRecords& records,
                            StoppableCalls& calls);
  // Reads all keys under the prefix; returns the revision at which they were
  // read.
  absl::StatusOr<int64_t> ReadAll(EtcdSession& session, EtcdRecords& records);
  // CANCELLED when the callback of a watch has ended this group.
  absl::Status Apply(const EtcdRecords& records, const StoppableCalls& calls);

  const EtcdTarget target_;
  const EtcdSourceOptions options_;
  const std::shared_ptr<StoppableCalls> calls_;  // Shared with the thread.
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_

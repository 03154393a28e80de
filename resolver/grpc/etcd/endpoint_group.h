// EtcdEndpointGroup: the endpoints under a prefix of an etcd cluster, followed
// while they change (resolver/etcd/record.h says what a key's value is).
//
//   auto group = EtcdEndpointGroup::Make("h1:2379,h2:2379",
//   "/services/users/");
//
// It reads all keys and then watches for changes since; changes that come
// together become one list.  When the server fails or falls silent, or the
// changes since were compacted away, it begins anew with the next server; so a
// store that was restarted, or lost its data, needs no care.
//
// The list stays while no server serves; and, unless `empty` says otherwise,
// when the prefix is empty: more often a mistake than the truth.
//
// The channel to the store is a plain one of gRPC's.  gRPC must know ours
// before it makes its first: a process that also uses CreateChannel() or
// Register() must call Register() before it makes the group.
//
// Threads: one of its own; ends with Close() or the group.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/etcd/record.h"
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
  // servers, no prefix.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view servers, absl::string_view prefix,
      EtcdSourceOptions options = {});
  ~EtcdEndpointGroup() override;

 protected:
  std::string Name() const override { return target_.ToString(); }
  void OnClose() override;

 private:
  EtcdEndpointGroup(EtcdTarget target, EtcdSourceOptions options);

  // The thread's body.
  void Follow();
  // These return why it is over.
  absl::Status FollowServer(const Endpoint& server, StoppableCalls& calls);
  absl::Status FollowEvents(EtcdSession& session, EtcdRecords& records,
                            StoppableCalls& calls);
  // All that is under the prefix; returns the revision of that.
  absl::StatusOr<int64_t> ReadAll(EtcdSession& session, EtcdRecords& records);
  // CANCELLED when a watch's callback has ended this group.
  absl::Status Apply(const EtcdRecords& records, const StoppableCalls& calls);

  const EtcdTarget target_;
  const EtcdSourceOptions options_;
  const std::shared_ptr<StoppableCalls> calls_;  // The thread has it too.
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_ENDPOINT_GROUP_H_

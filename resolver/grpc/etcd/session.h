// EtcdSession: one connection to one server of an etcd cluster, with the user's
// token if there is a user.
//
//   EtcdSession session(server, options, calls);
//   absl::Status status = session.Authenticate();
//   auto answer = session.Range(request);
//
// Its channel is an ordinary gRPC channel: it does not use the `multi_backend`
// policy and needs no Register().  Errors begin with the server's address and
// never show credentials.
//
// Threads: one.  Its methods block that thread until they are done or
// StoppableCalls::Stop() is called.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_SESSION_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_SESSION_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/grpc/etcd/etcd.pb.h"
#include "multi_backend/resolver/grpc/etcd/options.h"
#include "multi_backend/resolver/grpc/etcd/stoppable_calls.h"
#include "multi_backend/resolver/grpc/etcd/stream.h"

namespace multi_backend {

class EtcdSession {
 public:
  using WatchStream = EtcdStream<etcd::WatchRequest, etcd::WatchResponse>;
  using LeaseStream =
      EtcdStream<etcd::LeaseKeepAliveRequest, etcd::LeaseKeepAliveResponse>;

  // Does not wait for the connection.  `calls` must outlive the session.
  EtcdSession(const Endpoint& server, EtcdOptions options,
              StoppableCalls& calls);

  // Must be called first.  Does nothing when there is no user.
  absl::Status Authenticate();

  absl::StatusOr<etcd::RangeResponse> Range(const etcd::RangeRequest& request);
  absl::StatusOr<etcd::PutResponse> Put(const etcd::PutRequest& request);
  absl::StatusOr<etcd::LeaseGrantResponse> LeaseGrant(
      const etcd::LeaseGrantRequest& request);
  absl::StatusOr<etcd::LeaseRevokeResponse> LeaseRevoke(
      const etcd::LeaseRevokeRequest& request);

  // Watches all keys that begin with `prefix`.  After OK, every change from
  // `revision` on, including that one, comes through NextEvents().
  absl::Status Watch(absl::string_view prefix, int64_t revision);
  // nullopt when no change came in time.  OUT_OF_RANGE when changes were lost
  // to a compaction.  Any error ends the watch.
  absl::StatusOr<absl::optional<etcd::WatchResponse>> NextEvents(
      absl::Duration timeout);

  // Renews the lease.  Returns how long it then lives; zero when there is no
  // such lease.
  absl::StatusOr<absl::Duration> KeepAlive(int64_t lease);

 private:
  // `method` must be a string literal.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Unary(const char* method, const Request& request);
  void Prepare(grpc::ClientContext& context) const;
  absl::Status Named(const absl::Status& status) const;

  const std::string server_;
  const EtcdOptions options_;
  StoppableCalls& calls_;
  const std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
  std::unique_ptr<WatchStream> watch_;
  std::unique_ptr<LeaseStream> keep_alive_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_SESSION_H_

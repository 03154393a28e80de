// EtcdRegistrar: lists an endpoint under a prefix of an etcd cluster, as
// resolver/source/registrar.h says.  MakeRegistrar() makes it; Make() below
// also accepts options that only etcd has.
//
// The entry is the key `prefix` + id, with the value of resolver/etcd/record.h,
// under a lease of `ttl` (whole seconds; etcd has a minimum, mostly 2 s).
// Every third of that time the registrar renews the lease and checks the key.
//
// Threads: one of its own, which ends with Close().
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_REGISTRAR_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_REGISTRAR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/etcd/target.h"
#include "multi_backend/resolver/grpc/etcd/options.h"
#include "multi_backend/resolver/source/registrar.h"
#include "multi_backend/resolver/source/thread.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class EtcdSession;
class StoppableCalls;

class EtcdRegistrar final : public Registrar {
 public:
  // options.backoff replaces client.backoff, and options.credentials_file,
  // unless "", replaces client.credentials_file.  INVALID_ARGUMENT: bad
  // servers, prefix or id, or an endpoint that clients would refuse.
  static absl::StatusOr<std::unique_ptr<Registrar>> Make(
      absl::string_view servers, absl::string_view prefix,
      const Endpoint& endpoint, const RegistrarOptions& options = {},
      EtcdOptions client = {});
  ~EtcdRegistrar() override { Close(); }

  absl::Status AwaitRegistered(absl::Duration timeout) override;
  absl::Status last_error() const override;
  void Close() override;

 private:
  EtcdRegistrar(EtcdTarget target, const std::string& id, std::string value,
                absl::Duration ttl, EtcdOptions client);

  // Runs on the registrar's thread.
  void Follow();
  // Returns the error that ended it.
  absl::Status FollowServer(const Endpoint& server);
  // Makes sure that the endpoint is listed for a `ttl` from now.
  absl::Status List(EtcdSession& session);
  // Removes the endpoint from the list.
  void Revoke();
  void SetStatus(absl::Status status);

  const EtcdTarget target_;
  const std::string key_;
  const std::string value_;
  const absl::Duration ttl_;
  const EtcdOptions client_;
  const std::shared_ptr<StoppableCalls> calls_;
  int64_t lease_ = 0;  // 0 = none.  Used by the thread only.

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_REGISTRAR_H_

// ZookeeperRegistrar: lists an endpoint as an ephemeral ZooKeeper node.
//
//   auto registrar = ZookeeperRegistrar::Make("h1:2181", "/services/users",
//                                             Endpoint::Of("10.0.0.1", 50051));
//
// The node is "/services/users/<id>".  Its data are Curator's JSON (record.h),
// so that Curator's clients find the endpoint, too.  Missing nodes above it are
// created and are open to everybody.  With credentials, only their owner may
// change the node itself; everybody may read it.
//
// When a session has ended, the next one takes over the old session's node in
// one step, so that no client sees it missing.  `ttl` is the session's timeout;
// the server keeps it between 2 and 20 of its ticks.
//
// Threads: one of its own and two of libzookeeper's.  Close() and the
// destructor wait at most 1.5 s when the server has frozen.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/backoff.h"
#include "multi_backend/resolver/source/registrar.h"
#include "multi_backend/resolver/source/thread.h"
#include "multi_backend/resolver/zookeeper/connection.h"
#include "multi_backend/resolver/zookeeper/target.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class ZookeeperRegistrar final : public Registrar {
 public:
  // Does not wait for the servers.  INVALID_ARGUMENT as of
  // ZookeeperTarget::Parse(), for a bad id, and for an endpoint that clients'
  // EndpointPolicy would refuse.
  static absl::StatusOr<std::unique_ptr<Registrar>> Make(
      absl::string_view servers, absl::string_view path,
      const Endpoint& endpoint, RegistrarOptions options = {});
  ~ZookeeperRegistrar() override;

  absl::Status AwaitRegistered(absl::Duration timeout) override;
  absl::Status last_error() const override;
  void Close() override;

 private:
  using Clock = std::chrono::steady_clock;

  ZookeeperRegistrar(ZookeeperTarget target, const Endpoint& endpoint,
                     RegistrarOptions options);

  // Everything in this part is used by the thread only.

  void Follow();
  void TakeConnection(const ZookeeperConnection::Status& status);
  void Create();
  // Takes the reply to a Create….
  void TakeCreated(const ZookeeperConnection::Reply& reply);
  // Creates the node at path_.substr(0, end) and those below it, then tries
  // Create() again.
  void CreateParent(size_t end);
  // Sets the watch that fires when the node is deleted.
  void Watch();
  void CreateAgainSoon();
  void RetryAfterBackoff(int code);
  void SetStatus(absl::Status status);

  const ZookeeperTarget target_;
  const Endpoint endpoint_;
  const RegistrarOptions options_;
  const std::string path_;  // The node's path.

  enum class Node { kMissing, kAsked, kListed };
  Node node_ = Node::kMissing;
  int session_ = 0;
  int connections_ = 0;
  Clock::time_point not_before_;  // For the next Create().
  Backoff backoff_;
  std::minstd_rand random_;

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);  // OK: the endpoint is listed.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;

  Mutex closing_;  // Makes one Close() wait for another.
  ZookeeperConnection connection_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_

// ZookeeperRegistrar: lists an endpoint as an ephemeral node of a ZooKeeper.
//
//   auto registrar = ZookeeperRegistrar::Make("h1:2181", "/services/users",
//                                             Endpoint::Of("10.0.0.1", 50051));
//
// The node is "/services/users/<id>"; its data are Curator's JSON
// (record.h), so that Curator's clients find the endpoint, too.
// Nodes above it are made where they are missing, open to everybody.  With
// credentials, only they may change the node itself; everybody may read it.
//
// After a session that ended, a new one takes over the old one's node in one
// step, so that no client sees it go.  `ttl` is the session's timeout; the
// server keeps it within 2 and 20 of its ticks.
//
// Threads: one of its own and two of libzookeeper's.  Close() and the
// destructor wait for 1.5 s at most when the server has frozen.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
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

namespace multi_backend {

class ZookeeperRegistrar final : public Registrar {
 public:
  // Waits for nothing.  INVALID_ARGUMENT as ZookeeperTarget::Parse(), for a bad
  // id, and for an endpoint that clients' EndpointPolicy would refuse.
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

  // Everything in this part is the thread's own.

  void Follow();
  void TakeConnection(const ZookeeperConnection::Look& look);
  void Create();
  // Takes the reply to a Create….
  void TakeCreated(const ZookeeperConnection::Reply& reply);
  // Makes the node at path_.substr(0, end), and those below it, then tries
  // again.
  void CreateParent(size_t end);
  // Sets the watch that tells when the node goes.
  void Watch();
  void CreateAgainSoon();
  void RetryAfterBackoff(int code);
  void SetStatus(absl::Status status);

  const ZookeeperTarget target_;
  const Endpoint endpoint_;
  const RegistrarOptions options_;
  const std::string path_;  // Of the node.

  enum class Node { kMissing, kAsked, kListed };
  Node node_ = Node::kMissing;
  int session_ = 0;
  int connections_ = 0;
  Clock::time_point not_before_;  // The next Create().
  Backoff backoff_;
  std::minstd_rand random_;

  mutable std::mutex mu_;
  std::condition_variable changed_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);  // OK: the endpoint is listed.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;

  std::mutex closing_;  // Of two Close() one waits for the other.
  ZookeeperConnection connection_;
  SourceThread thread_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRAR_H_

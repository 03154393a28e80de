// How to talk to an etcd cluster; for the group and for the registrar.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

// The file of credentials when the options name none.
constexpr char kEtcdAuthFileVariable[] = "MULTI_BACKEND_ETCD_AUTH_FILE";

struct EtcdOptions {
  // Of the channels to the servers; null = plaintext.  With TLS a server's
  // certificate must have the host that the target names.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // User and password; "" = those of `credentials_file`.
  std::string user;
  std::string password;
  // A file with "user:password" in its one line; "" = what the environment's
  // MULTI_BACKEND_ETCD_AUTH_FILE names, if anything.  Read again for each
  // connection.
  std::string credentials_file;
  // For one request, with the connection that it may need; then the next server
  // is asked.
  absl::Duration call_timeout = absl::Seconds(2);
  // A watched server that is silent for so long is asked for a sign of life
  // (an HTTP/2 ping), and is left when that does not come in time.  etcd itself
  // refuses pings more often than every 5 s (--grpc-keepalive-min-time).
  absl::Duration keepalive_time = absl::Seconds(6);
  absl::Duration keepalive_timeout = absl::Seconds(2);
  // When no server serves.
  BackoffOptions backoff = {absl::Milliseconds(100), absl::Seconds(1), 0.2};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_

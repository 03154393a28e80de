// EtcdOptions: how to talk to an etcd cluster, for the group and for the
// registrar.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "multi_backend/resolver/source/backoff.h"

namespace multi_backend {

// The environment variable with the credentials file, used when the options
// name none.
constexpr char kEtcdAuthFileVariable[] = "MULTI_BACKEND_ETCD_AUTH_FILE";

struct EtcdOptions {
  // For the channels to the servers; null = plaintext.  With TLS a server's
  // certificate must be for the host that the target names.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // User and password; "" = those of `credentials_file`.
  std::string user;
  std::string password;
  // A file with "user:password" in its only line; "" = the file that the
  // environment variable MULTI_BACKEND_ETCD_AUTH_FILE names, if it is set.
  // Read again for each connection.
  std::string credentials_file;
  // The limit for one request, including the connection that it may need.
  // After that the next server is asked.
  absl::Duration call_timeout = absl::Seconds(2);
  // A watched server that is silent for this long gets an HTTP/2 ping, and is
  // given up when keepalive_timeout passes without an answer.  etcd refuses
  // pings more often than every 5 s (--grpc-keepalive-min-time).
  absl::Duration keepalive_time = absl::Seconds(6);
  absl::Duration keepalive_timeout = absl::Seconds(2);
  // Between rounds in which no server serves.
  BackoffOptions backoff = {absl::Milliseconds(100), absl::Seconds(1), 0.2};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_OPTIONS_H_

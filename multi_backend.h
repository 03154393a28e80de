// multi_backend: one gRPC channel, many backends.
//
//   multi_backend::Register();
//   multi_backend::ChannelOptions options;
//   options.service_config_json = R"({"loadBalancingConfig":[{"multi_backend":{
//       "strategy":"LEAST_BUSY"}}]})";
//   auto channel = multi_backend::CreateChannel(
//       "static:///10.0.0.1:50051,10.0.0.2:50051",
//       grpc::InsecureChannelCredentials(), std::move(options));
//   if (!channel.ok()) …
//   auto stub = Users::NewStub(*channel);
//
// Each call then goes to one of the backends, and when that one fails for
// infrastructure reasons, to another one.  See the README for all of it.
#ifndef MULTI_BACKEND_MULTI_BACKEND_H_
#define MULTI_BACKEND_MULTI_BACKEND_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multi_backend/health/grpc/grpc_probe.h"
#include "multi_backend/health/health_checked_endpoint_group.h"
#include "multi_backend/health/probes/curl/probe.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/interceptors/grpc/routing_interceptor.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/failover/failover.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/resolver/dns/endpoint_group.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/file/endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"
#include "multi_backend/resolver/groups/registry.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/resolver/groups/union_endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"
#include "multi_backend/resolver/grpc/etcd/registrar.h"
#include "multi_backend/resolver/grpc/registrar_factory.h"
#include "multi_backend/resolver/source/registrar.h"
#include "multi_backend/resolver/zookeeper/endpoint_group.h"

namespace multi_backend {

// Makes the LB policy `multi_backend` and our target schemes known to gRPC.
//
// Must run before the first channel or server of the process is made;
// CreateChannel() calls it too.  Idempotent, thread-safe.  FAILED_PRECONDITION
// (and a log line) when it comes too late or another gRPC than 1.51 is loaded;
// then nothing is registered and CreateChannel() fails with the same status.
absl::Status Register();

struct ChannelOptions {
  // The whole service config; proto/config.proto documents our part of it.
  // "" means the one that `args.SetServiceConfigJSON()` has set, else defaults:
  // ROUND_ROBIN, failover to two other backends on UNAVAILABLE.  Both at once
  // are refused.
  std::string service_config_json;
  grpc::ChannelArguments args;
  // Run before ours.
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  // The STICKY strategy's key of a call; replaces `stickyKey` of the
  // configuration.  Runs on the thread that makes the call.
  StickyKeyFunction sticky_key;
  // Decides whether a failed attempt is tried elsewhere; replaces
  // `failover.retriableStatusCodes`.
  RetryClassifier retry_classifier;
  // To share one pool's health between channels, or to watch it.  Null: the
  // channel has one of its own.
  std::shared_ptr<BackendPool> pool;
};

// A channel to `target`:
//   static:///host:port,host:port   a list; "static:///" = `backends` of the
//                                   configuration
//   group:///name                   a group of EndpointGroupRegistry
//   file:///path, dns+addr://…, dns+srv://…, dns+txt://…
//                                   discovery; see resolver/source_factory.h
//   etcd://host:port/prefix/        discovery; see
//                                   resolver/grpc/etcd/endpoint_group.h
//   anything else                   gRPC's own resolvers (dns, ipv4, unix, …)
//
// INVALID_ARGUMENT names every wrong field of the configuration, what is wrong
// with the target, or why the routes could not be followed; NOT_FOUND for an
// unknown group; FAILED_PRECONDITION as Register().  Warnings about the
// configuration go to gRPC's log.  Thread-safe.
absl::StatusOr<std::shared_ptr<grpc::Channel>> CreateChannel(
    const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& creds,
    ChannelOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_MULTI_BACKEND_H_

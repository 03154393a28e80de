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
//
// The API is this header and the seven beside it,
//
//   backend_pool.h     the backends of a channel: their health, marks, events
//   endpoint_groups.h  lists of endpoints, for group:///name
//   interceptor.h      routes and sticky keys on channels that gRPC makes
//   observability.h    what calls and backends do: metrics, trails of calls
//   probes.h           health probes
//   registrar.h        lists a server in ZooKeeper or etcd
//   sources.h          DNS, ZooKeeper and etcd
//
// with the names that each of them lists, the service config
// (proto/config.proto) and the targets.  Everything else may change in any
// release, even when one of these headers includes it.  Before 1.0 a minor
// release may change the API, and CHANGELOG.md marks such a change as breaking.
// From 1.0 on only a major release may, and a name is deprecated for at least
// one minor release before it goes.
//
// Channels that gRPC's own functions make are as good: routes, failover,
// backlog and pools follow from the service config alone.  Attach() gives them
// what JSON cannot say:
//
//   multi_backend::ChannelExtras extras;
//   extras.pool = BackendPool::Create();
//   grpc::ChannelArguments args;
//   args.SetServiceConfigJSON(json);
//   absl::Status status = multi_backend::Attach(std::move(extras), &args);
//   if (!status.ok()) …
//   auto channel = grpc::CreateCustomChannel(
//       "dns:///users.example:50051", grpc::InsecureChannelCredentials(),
//       args);
//
// API of this header: Version, Register, ChannelExtras, Attach, ChannelOptions,
// CreateChannel, RetryClassifier, AttemptView, StickyKeyFunction, CallView,
// WarningFunction, SetLogSink, LogSink, LogSeverity.
#ifndef MULTI_BACKEND_MULTI_BACKEND_H_
#define MULTI_BACKEND_MULTI_BACKEND_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/grpc/config_warnings.h"
#include "multi_backend/interceptors/call_view.h"
#include "multi_backend/lb_policy/failover/retry_classifier.h"
#include "multi_backend/port/log.h"

namespace multi_backend {

class BackendPool;  // backend_pool.h
class MetricsSink;  // observability.h
struct CallEnded;   // observability.h

// The version of this library: "major.minor.patch" (semver.org).
constexpr absl::string_view Version() { return "0.2.0"; }

// Makes the LB policy `multi_backend` and our target schemes known to gRPC.  In
// a program that links //:multi_backend it also registers all sources and all
// probes.  A program that links //:core registers those that it links itself:
// see sources.h and probes.h.
//
// Must run before the first channel or server of the process is made;
// CreateChannel() calls it too.  Idempotent, thread-safe.  FAILED_PRECONDITION
// (and a log line) when it comes too late, or when the loaded gRPC is not of
// the release that the library was compiled for (1.51 or 1.83); then nothing is
// registered with gRPC and CreateChannel() fails with the same status.
absl::Status Register();

// What a service config cannot say about a channel.
struct ChannelExtras {
  // The pool of the channel's backends.  Set it to share their health between
  // channels, or to watch it.  If it is null, the channel makes a pool of its
  // own.
  std::shared_ptr<BackendPool> pool;
  // Decides whether a failed attempt is tried elsewhere; replaces
  // `failover.retriableStatusCodes`.
  RetryClassifier retry_classifier;
  // The STICKY strategy's key of a call; replaces `stickyKey` of the
  // configuration.  CallView says where it runs and whether it sees the
  // request.
  StickyKeyFunction sticky_key;
  // Receives the warnings about the channel's service config, also about one
  // that the resolver brings later.  They go to the log, too.
  WarningFunction on_warnings;
  // Are told about the channel's calls and backends; none may be null.
  std::vector<std::shared_ptr<MetricsSink>> sinks;
  // Receives each call of the channel when it has ended, with its attempts.
  // It runs as MetricsSink::OnCallEnded(), whose header says what it may do.
  std::function<void(const CallEnded& call)> on_call_end;
};

// Gives `extras` to the channels that are made with `args`, by
// grpc::CreateCustomChannel() or another function of gRPC.  These channels use
// the LB policy `multi_backend` unless another one is chosen; then every call
// fails with a text that says so, if there is anything but `on_warnings` that
// the other policy would ignore.  Copies of `args` share the extras.
//
// No interceptor is added, so `sticky_key` gets no request, and a service
// config with `stickyKey.requestField` is refused unless `sticky_key` replaces
// it.
//
// INVALID_ARGUMENT when `args` or a sink is null, or `args` already has extras;
// FAILED_PRECONDITION as Register(), which it calls.  Then `args` is unchanged.
// Thread-safe for different `args`.
absl::Status Attach(ChannelExtras extras, grpc::ChannelArguments* args);

struct ChannelOptions : ChannelExtras {
  // The whole service config; proto/config.proto documents our part of it.
  // "" means the one that `args.SetServiceConfigJSON()` has set, else defaults:
  // ROUND_ROBIN, failover to two other backends on UNAVAILABLE.  Both at once
  // are refused.
  std::string service_config_json;
  // Without extras of Attach(), which are members of this struct.
  grpc::ChannelArguments args;
  // gRPC runs these before the library's interceptor, which each call then has.
  // Without any, only the calls that need it have it: those with a sticky key
  // from the request or from a function.
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
};

// A channel to `target`:
//   static:///host:port,host:port   a list; "static:///" = `backends` of the
//                                   configuration
//   group:///name                   a group of EndpointGroupRegistry
//   file:///path                    a file (proto/endpoints.proto)
//   dns+addr://…, dns+srv://…, dns+txt://…, zookeeper://…, etcd://…
//                                   discovery; see sources.h
//   anything else                   gRPC's own resolvers (dns, ipv4, unix, …)
//
// INVALID_ARGUMENT names every wrong field of the configuration, what is wrong
// with the target, why the routes or the extras could not be used, or what the
// program must link for the target or the probes; NOT_FOUND for an unknown
// group; FAILED_PRECONDITION as Register().  Warnings about the configuration
// go to `on_warnings` and to the log, there once for each text.  Thread-safe.
absl::StatusOr<std::shared_ptr<grpc::Channel>> CreateChannel(
    const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& creds,
    ChannelOptions options = {});

}  // namespace multi_backend

#endif  // MULTI_BACKEND_MULTI_BACKEND_H_

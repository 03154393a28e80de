#include "multi_backend/health/grpc/channel_probe.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "multi_backend/health/grpc/grpc_probe.h"
#include "multi_backend/health/probes/registry.h"
#include "multi_backend/health/probes/tcp_probe.h"

namespace multi_backend {
namespace {

// What of a channel's arguments decides whether a backend can be reached at
// all.  The others are about calls, balancing and resolving, or belong to that
// very channel.
constexpr const char* kKeptArguments[] = {
    GRPC_ARG_PRIMARY_USER_AGENT_STRING, GRPC_ARG_SECONDARY_USER_AGENT_STRING,
    GRPC_ARG_MAX_METADATA_SIZE,         GRPC_ARG_RESOURCE_QUOTA,
    GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,  GRPC_SSL_SESSION_CACHE_ARG,
};

bool IsKept(absl::string_view name) {
  return std::find(std::begin(kKeptArguments), std::end(kKeptArguments),
                   name) != std::end(kKeptArguments);
}

grpc_core::ChannelArgs ProbeArguments(const grpc_core::ChannelArgs& all,
                                      absl::string_view authority) {
  grpc::ChannelArguments own;
  SetProbeArguments(&own);
  const grpc_channel_args c_own = own.c_channel_args();
  std::vector<grpc_arg> chosen(c_own.args, c_own.args + c_own.num_args);
  const auto c_all = all.ToC();
  for (size_t i = 0; i < c_all.get()->num_args; ++i) {
    const grpc_arg& arg = c_all.get()->args[i];
    if (IsKept(arg.key)) chosen.push_back(arg);
  }
  const grpc_channel_args c_chosen = {chosen.size(), chosen.data()};
  return grpc_core::ChannelArgs::FromC(&c_chosen).Set(
      GRPC_ARG_DEFAULT_AUTHORITY, std::string(authority));
}

std::unique_ptr<Probe> MakeOwnGrpcProbe(
    const grpc_core::ChannelArgs& channel_args,
    const ActiveHealthConfig& config, absl::string_view address,
    absl::string_view authority) {
  auto* all_creds = channel_args.GetObject<grpc_channel_credentials>();
  if (all_creds == nullptr) return nullptr;
  // Released through the C API, because core's destructors want an ExecCtx.
  const std::shared_ptr<grpc_channel_credentials> creds(
      all_creds->duplicate_without_call_credentials().release(),
      grpc_channel_credentials_release);
  return MakeGrpcProbe(
      config, [creds, target = ProbeTarget(address),
               args = ProbeArguments(channel_args, authority)] {
        return grpc::CreateChannelInternal(
            /*host=*/"",
            grpc_channel_create(target.c_str(), creds.get(), args.ToC().get()),
            /*interceptor_creators=*/{});
      });
}

}  // namespace

std::unique_ptr<Probe> MakeChannelProbe(
    const grpc_core::ChannelArgs& channel_args,
    const ActiveHealthConfig& config, const Endpoint& endpoint,
    absl::string_view address, absl::string_view authority) {
  if (config.probe == ProbeKind::kGrpc) {
    return MakeOwnGrpcProbe(channel_args, config, address, authority);
  }
  if (absl::StartsWith(address, "unix")) return nullptr;
  if (config.probe == ProbeKind::kTcp) {
    return MakeTcpProbeFactory(config)->Make(endpoint, address);
  }
  const ProbeRegistry::Maker make_http = ProbeRegistry::Http();
  if (make_http == nullptr) return nullptr;
  return make_http(config)->Make(endpoint, address);
}

}  // namespace multi_backend

#include "multi_backend/health/grpc/channel_probe.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/health/grpc/grpc_probe.h"
#include "multi_backend/health/probes/registry.h"
#include "multi_backend/health/probes/tcp_probe.h"
#include "multi_backend/sync/mutex.h"

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

grpc_core::ChannelArgs ProbeArguments(const grpc_core::ChannelArgs& all) {
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
  return grpc_core::ChannelArgs::FromC(&c_chosen);
}

// How a channel reaches its backends.
struct Reach {
  // Released through the C API, because core's destructors want an ExecCtx.
  std::shared_ptr<grpc_channel_credentials> creds;
  grpc_core::ChannelArgs args;
};

// The ways to reach backends that are in use.
class Reaches {
 public:
  // Never destroyed, because channels may be used while the process exits.
  static Reaches& Get() {
    static Reaches* const reaches = new Reaches;
    return *reaches;
  }

  // The one that is equal to `reach`, as core sees it when channels share
  // subchannels: insecure credentials are all equal, others are equal to
  // themselves only.
  std::shared_ptr<const Reach> Unique(Reach reach) {
    MutexLock lock(&mu_);
    size_t kept = 0;
    std::shared_ptr<const Reach> found;
    for (std::weak_ptr<const Reach>& known : reaches_) {
      std::shared_ptr<const Reach> one = known.lock();
      if (one == nullptr) continue;
      if (found == nullptr && one->creds->cmp(reach.creds.get()) == 0 &&
          one->args == reach.args) {
        found = std::move(one);
      }
      reaches_[kept++] = known;
    }
    reaches_.resize(kept);
    if (found != nullptr) return found;
    found = std::make_shared<const Reach>(std::move(reach));
    reaches_.push_back(found);
    return found;
  }

 private:
  Mutex mu_;
  std::vector<std::weak_ptr<const Reach>> reaches_ ABSL_GUARDED_BY(mu_);
};

std::unique_ptr<Probe> MakeOwnGrpcProbe(
    const grpc_core::ChannelArgs& channel_args,
    const ActiveHealthConfig& config, absl::string_view address,
    absl::string_view authority) {
  auto* all_creds = channel_args.GetObject<grpc_channel_credentials>();
  if (all_creds == nullptr) return nullptr;
  const std::shared_ptr<const Reach> reach = Reaches::Get().Unique(
      {std::shared_ptr<grpc_channel_credentials>(
           all_creds->duplicate_without_call_credentials().release(),
           grpc_channel_credentials_release),
       ProbeArguments(channel_args)});
  const std::string target = ProbeTarget(address);
  ProbeIdentity identity;
  identity.text =
      absl::StrCat("grpc\n", target, "\n", authority, "\n", config.service,
                   "\n", config.unimplemented_is_healthy ? 1 : 0);
  identity.credentials = reach;
  return MakeGrpcProbe(
      config,
      [reach, target, authority = std::string(authority)] {
        return grpc::CreateChannelInternal(
            /*host=*/"",
            grpc_channel_create(
                target.c_str(), reach->creds.get(),
                reach->args.Set(GRPC_ARG_DEFAULT_AUTHORITY, authority)
                    .ToC()
                    .get()),
            /*interceptor_creators=*/{});
      },
      std::move(identity));
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

#include "multi_backend/bench/peers/client/client_channels.h"

#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/calls/everything_on.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/pushing_resolver.h"
#include "multi_backend/tests/testing/stock_settings.h"

namespace multi_backend {

std::vector<std::shared_ptr<grpc::Channel>> MakeChannels(
    const ChannelFlags& flags) {
  if (flags.pushed) RegisterPushingResolver();
  if (flags.library) {
    DieUnlessOk(Register());
  }
  if (!flags.everything_on.empty()) {
    return {EverythingOnChannel(flags.target, flags.everything_on,
                                {Metrics::Create()})};
  }
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < flags.channels; ++i) {
    grpc::ChannelArguments args;
    args.SetServiceConfigJSON(flags.service_config);
    args.SetMaxReceiveMessageSize(-1);
    if (flags.channels > 1 && !flags.shared) {
      args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    }
    if (flags.faults) SetReconnectBackoff(args);
    if (flags.faults && !flags.library) SetKeepalive(args);
    channels.push_back(grpc::CreateCustomChannel(
        flags.target, grpc::InsecureChannelCredentials(), args));
  }
  return channels;
}

}  // namespace multi_backend

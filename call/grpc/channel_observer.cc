#include "multi_backend/call/grpc/channel_observer.h"

#include "multi_backend/call/grpc/channel_extension.h"

namespace multi_backend {

bool HasSinks(const grpc_core::ChannelArgs& args) {
  const auto* extension = args.GetObject<ChannelExtension>();
  return extension != nullptr && !extension->sinks.empty();
}

std::unique_ptr<CallObserver> MakeChannelObserver(
    const grpc_core::ChannelArgs& args) {
  if (!HasSinks(args)) return nullptr;
  return std::make_unique<CallObserver>(
      ShownTarget(args), args.GetObject<ChannelExtension>()->sinks);
}

}  // namespace multi_backend

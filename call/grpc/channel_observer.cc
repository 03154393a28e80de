#include "multi_backend/call/grpc/channel_observer.h"

#include "multi_backend/call/grpc/channel_extension.h"

namespace multi_backend {

std::unique_ptr<CallObserver> MakeChannelObserver(
    const grpc_core::ChannelArgs& args) {
  const auto& sinks = SinksOf(args);
  if (sinks.empty()) return nullptr;
  return std::make_unique<CallObserver>(ReportedTarget(args), sinks);
}

}  // namespace multi_backend

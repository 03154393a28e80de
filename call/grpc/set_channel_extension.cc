#include "multi_backend/call/grpc/set_channel_extension.h"

#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

void SetChannelExtension(ChannelObjects objects, grpc::ChannelArguments& args) {
  const auto extension =
      grpc_core::MakeRefCounted<ChannelExtension>(std::move(objects));
  args.SetPointerWithVtable(
      kChannelExtensionArg, extension.get(),
      grpc_core::ChannelArgTypeTraits<ChannelExtension>::VTable());
}

}  // namespace multi_backend

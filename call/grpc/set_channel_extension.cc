#include "multi_backend/call/grpc/set_channel_extension.h"

#include <grpcpp/support/channel_arguments.h>

#include <string>
#include <utility>

#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

void SetChannelExtension(std::shared_ptr<BackendPool> pool,
                         std::shared_ptr<const AttemptClassifier> classifier,
                         grpc::ChannelArguments& args) {
  auto extension = grpc_core::MakeRefCounted<ChannelExtension>(
      std::move(pool), std::move(classifier));
  args.SetPointerWithVtable(
      std::string(ChannelExtension::ChannelArgName()), extension.get(),
      grpc_core::ChannelArgTypeTraits<ChannelExtension>::VTable());
}

}  // namespace multi_backend

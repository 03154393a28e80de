// SetChannelExtension: puts the objects that CreateChannel() has for one
// channel into the channel args, from which the resolver and the LB policy take
// them.
//
// This header includes no core header, so that multi_backend.cc compiles
// quickly.
#ifndef MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_
#define MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_

#include <memory>

namespace grpc {
class ChannelArguments;
}  // namespace grpc

namespace multi_backend {

class AttemptClassifier;
class BackendPool;

// `pool` and `classifier` may be null; ChannelExtension says what null means.
// `args` shares ownership of both.
void SetChannelExtension(std::shared_ptr<BackendPool> pool,
                         std::shared_ptr<const AttemptClassifier> classifier,
                         grpc::ChannelArguments& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_SET_CHANNEL_EXTENSION_H_

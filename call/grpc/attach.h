// Puts what CreateChannel has for one channel into its channel args.
//
// No core header here, so that multi_backend.cc compiles cheaply.
#ifndef MULTI_BACKEND_CALL_GRPC_ATTACH_H_
#define MULTI_BACKEND_CALL_GRPC_ATTACH_H_

#include <memory>

namespace grpc {
class ChannelArguments;
}  // namespace grpc

namespace multi_backend {

class AttemptClassifier;
class BackendPool;

// Either may be null; see ChannelExtension for what null means.
void AttachChannelExtension(std::shared_ptr<BackendPool> pool,
                            std::shared_ptr<const AttemptClassifier> classifier,
                            grpc::ChannelArguments& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_ATTACH_H_

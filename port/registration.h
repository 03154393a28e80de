// Registration with core: once, before core is configured.
//
// No core header here, so that whoever wires the parts compiles cheaply.
#ifndef MULTI_BACKEND_PORT_REGISTRATION_H_
#define MULTI_BACKEND_PORT_REGISTRATION_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"

namespace grpc {
class ChannelArguments;
}  // namespace grpc

namespace multi_backend {

class AttemptClassifier;
class BackendPool;
struct CoreBuilder;  // port/core_builder.h

// One part that registers something with core's configuration.
using CorePart = void (*)(CoreBuilder&);

// Registers `parts` with core.  The first call decides; later ones return its
// status.  FAILED_PRECONDITION (and a log line, no abort) when a channel or a
// server has been made in this process before, or when the gRPC that is loaded
// is not the one that this library was compiled for.  Thread-safe.
absl::Status RegisterWithCore(const std::vector<CorePart>& parts);

// Adds what CreateChannel hands to the parts of one channel; either may be
// null.
void AddChannelExtension(std::shared_ptr<BackendPool> pool,
                         std::shared_ptr<const AttemptClassifier> classifier,
                         grpc::ChannelArguments& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_REGISTRATION_H_

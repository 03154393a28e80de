// MakeChannelObserver(): to whom a channel with these args tells about its
// calls.
#ifndef MULTI_BACKEND_CALL_GRPC_CHANNEL_OBSERVER_H_
#define MULTI_BACKEND_CALL_GRPC_CHANNEL_OBSERVER_H_

#include <memory>

#include "multi_backend/call/call_observer.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

// Null for a channel without sinks.
std::unique_ptr<CallObserver> MakeChannelObserver(
    const grpc_core::ChannelArgs& args);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CHANNEL_OBSERVER_H_

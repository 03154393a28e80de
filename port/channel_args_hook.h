// SetChannelArgsHook: lets the library change the args of each client channel
// that core makes, when the target is known.
#ifndef MULTI_BACKEND_PORT_CHANNEL_ARGS_HOOK_H_
#define MULTI_BACKEND_PORT_CHANNEL_ARGS_HOOK_H_

#include "multi_backend/port/core.h"

namespace multi_backend {

// Returns the args to use in place of `args`, which have GRPC_ARG_SERVER_URI
// when `type` is GRPC_CLIENT_CHANNEL.
using ChannelArgsHook = grpc_core::ChannelArgs (*)(
    const char* target, const grpc_core::ChannelArgs& args,
    grpc_channel_stack_type type);

// Core has one place for such a hook.  If another library has taken it, logs an
// error and leaves it.  Only the first call in a process has an effect; core
// may build its configuration on two threads at once.  Thread-safe.
void SetChannelArgsHook(ChannelArgsHook hook);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CHANNEL_ARGS_HOOK_H_

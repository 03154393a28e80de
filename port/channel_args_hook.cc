#include "multi_backend/port/channel_args_hook.h"

#include "multi_backend/port/log.h"

namespace multi_backend {
namespace {

bool Set(ChannelArgsHook hook) {
  if (grpc_channel_args_get_client_channel_creation_mutator() != nullptr) {
    Log(LogSeverity::kError,
        "another library changes the args of all channels, so an HTTP proxy of "
        "the environment also applies to targets of multi_backend: set "
        "GRPC_ARG_ENABLE_HTTP_PROXY to 0 in their channel args");
    return false;
  }
  grpc_channel_args_set_client_channel_creation_mutator(hook);
  return true;
}

}  // namespace

void SetChannelArgsHook(ChannelArgsHook hook) {
  // The initialization of a local static is thread-safe.
  static const bool set = Set(hook);
  static_cast<void>(set);
}

}  // namespace multi_backend

// What an LB policy asks of its channel.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_CHANNEL_H_
#define MULTI_BACKEND_PORT_CORE_1_83_CHANNEL_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_83/address.h"
#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

using Helper = grpc_core::LoadBalancingPolicy::ChannelControlHelper;
using Subchannel = grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;

// Core 1.83.0 never starts the timer of GRPC_ARG_KEEPALIVE_TIMEOUT_MS
// (chttp2's writing.cc starts it only if it is running already).  A frozen
// backend is then noticed after the ping timeout, which is a minute by default.
// So the time that the application asked for becomes the ping timeout.
inline grpc_core::ChannelArgs WithKeepaliveTimeout(
    const grpc_core::ChannelArgs& args) {
  constexpr int kDefaultMillis = 20'000;
  if (!args.Contains(GRPC_ARG_KEEPALIVE_TIME_MS)) return args;
  return args.SetIfUnset(
      GRPC_ARG_PING_TIMEOUT_MS,
      args.GetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS).value_or(kDefaultMillis));
}

// Returns a connection to `address`, which is not connected yet unless another
// channel with the same address and args has connected it.  Null when core
// refuses to make one.
inline Subchannel MakeSubchannel(Helper& helper, const Address& address,
                                 const grpc_core::ChannelArgs& args) {
  // The buffer size is meant for the retry filter (SetSelector()).  Without it,
  // channels that differ only there share their connections.
  return helper.CreateSubchannel(
      address.address(), address.args(),
      WithKeepaliveTimeout(args.Remove(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE)));
}

// Gives up a subchannel whose connection is being made.  This release closes
// the connection whenever the attempt ends.
inline void ReleaseConnecting(
    Subchannel, grpc_pollset_set*,
    grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy>) {}

// Makes a picker of class `P` and gives it to core, which lets all waiting
// calls pick again, in any order.  `status` is OK unless `state` is
// TRANSIENT_FAILURE.
template <typename P, typename... Args>
void Publish(Helper& helper, grpc_connectivity_state state,
             const absl::Status& status, Args&&... args) {
  helper.UpdateState(state, status,
                     grpc_core::MakeRefCounted<P>(std::forward<Args>(args)...));
}

// The same with a picker of core's that fails each call with `status`.
inline void PublishFailure(Helper& helper, const absl::Status& status) {
  Publish<grpc_core::LoadBalancingPolicy::TransientFailurePicker>(
      helper, GRPC_CHANNEL_TRANSIENT_FAILURE, status, status);
}

inline absl::Status V3StackError() {
  return absl::UnimplementedError(
      "multi_backend does not work on gRPC's v3 stack: leave out the channel "
      "arg " GRPC_ARG_USE_V3_STACK);
}

// Whether the library works on the stack that channels with `args` have.
inline absl::Status CheckStack(const grpc_core::ChannelArgs& args) {
  return args.GetBool(GRPC_ARG_USE_V3_STACK).value_or(false) ? V3StackError()
                                                             : absl::OkStatus();
}

enum class TraceSeverity { kInfo, kWarning };

// Adds an event to the channel's trace, which channelz shows.  This release has
// no severities.
inline void Trace(Helper& helper, TraceSeverity, absl::string_view text) {
  helper.AddTraceEvent(text);
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_CHANNEL_H_

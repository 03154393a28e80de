// What an LB policy asks of its channel.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_CHANNEL_H_
#define MULTI_BACKEND_PORT_CORE_1_51_CHANNEL_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_1_51/address.h"
#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

using Helper = grpc_core::LoadBalancingPolicy::ChannelControlHelper;
using Subchannel = grpc_core::RefCountedPtr<grpc_core::SubchannelInterface>;

// Returns a connection to `address`, which is not connected yet unless another
// channel with the same address and args has connected it.  Null when core
// refuses to make one.
inline Subchannel MakeSubchannel(Helper& helper, const Address& address,
                                 const grpc_core::ChannelArgs& args) {
  return helper.CreateSubchannel(address, args);
}

// Gives up a subchannel whose connection is being made.  If the subchannel went
// now and the server's HTTP/2 settings came afterwards, core 1.51 would forget
// the connection, which would stay open for as long as both processes live.  So
// this keeps the subchannel until the attempt has ended, at core's deadline at
// the latest (20 s, or the reconnect backoff if that is longer), and `policy`
// with it, which owns `parties`.
inline void ReleaseConnecting(
    Subchannel subchannel, grpc_pollset_set* parties,
    grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> policy) {
  class Keeper final : public grpc_core::SubchannelInterface::
                           ConnectivityStateWatcherInterface {
   public:
    Keeper(Subchannel subchannel, grpc_pollset_set* parties,
           grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> policy)
        : subchannel_(std::move(subchannel)),
          parties_(parties),
          policy_(std::move(policy)) {}

    void OnConnectivityStateChange(grpc_connectivity_state state,
                                   absl::Status) override {
      if (state == GRPC_CHANNEL_CONNECTING || subchannel_ == nullptr) return;
      const Subchannel subchannel = std::move(subchannel_);
      subchannel->CancelConnectivityStateWatch(this);
    }
    grpc_pollset_set* interested_parties() override { return parties_; }

   private:
    Subchannel subchannel_;  // Null: the attempt has ended.
    grpc_pollset_set* const parties_;
    const grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy> policy_;
  };
  grpc_core::SubchannelInterface& connecting = *subchannel;
  connecting.WatchConnectivityState(std::make_unique<Keeper>(
      std::move(subchannel), parties, std::move(policy)));
}

// Makes a picker of class `P` and gives it to core, which lets all waiting
// calls pick again, in any order.  `status` is OK unless `state` is
// TRANSIENT_FAILURE.
template <typename P, typename... Args>
void Publish(Helper& helper, grpc_connectivity_state state,
             const absl::Status& status, Args&&... args) {
  helper.UpdateState(state, status,
                     std::make_unique<P>(std::forward<Args>(args)...));
}

// The same with a picker of core's that fails each call with `status`.
inline void PublishFailure(Helper& helper, const absl::Status& status) {
  Publish<grpc_core::LoadBalancingPolicy::TransientFailurePicker>(
      helper, GRPC_CHANNEL_TRANSIENT_FAILURE, status, status);
}

// Whether the library works on the stack that channels with `args` have.  This
// release has one stack only.
inline absl::Status CheckStack(const grpc_core::ChannelArgs&) {
  return absl::OkStatus();
}

enum class TraceSeverity { kInfo, kWarning };

// Adds an event to the channel's trace, which channelz shows.
inline void Trace(Helper& helper, TraceSeverity severity,
                  absl::string_view text) {
  helper.AddTraceEvent(severity == TraceSeverity::kInfo ? Helper::TRACE_INFO
                                                        : Helper::TRACE_WARNING,
                       text);
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_CHANNEL_H_

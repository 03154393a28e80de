// ReadyChannel: a real LB policy over a channel whose connections are READY as
// soon as the policy watches them.  For measurements of our policy and of the
// stock ones.
//
//   ReadyChannel channel(R"([{"multi_backend":{}}])", ChannelArgs());
//   channel.Update(PolicyDriver::Addresses(1000));
//   channel.picker()->Pick(args);
//
// Checks nothing, unlike FakeChannel, so that nearly all of the time that is
// measured is the policy's own.
//
// Threads: one.  An ExecCtx is not needed.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_READY_CHANNEL_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_READY_CHANNEL_H_

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {

class ReadyChannel {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;

  // `config_json` is a loadBalancingConfig list, such as
  // `[{"round_robin":{}}]`.  An invalid list ends the program.
  ReadyChannel(absl::string_view config_json,
               const grpc_core::ChannelArgs& args);
  ~ReadyChannel();
  ReadyChannel(const ReadyChannel&) = delete;
  ReadyChannel& operator=(const ReadyChannel&) = delete;

  // Delivers one resolver update, and returns when the policy has come to rest.
  // The rest of a long list has no connections yet.
  void Update(core::AddressList addresses);
  // Lets the policy open the rest of a long list, and returns when it has
  // published its last plan.
  void OpenRest();

  // The newest one; null before the first update.
  Policy::SubchannelPicker* picker() const { return picker_.get(); }
  size_t pickers_made() const { return pickers_made_; }

 private:
  class Control;
  class Engine;
  class Subchannel;

  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  core::PickerPtr picker_;
  size_t pickers_made_ = 0;
  // Stock ring_hash crashes when one of its pickers is destroyed, and its picks
  // leave work behind that needs the policy.
  bool leaks_pickers_ = false;
  std::unique_ptr<PolicyDriver> driver_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_READY_CHANNEL_H_

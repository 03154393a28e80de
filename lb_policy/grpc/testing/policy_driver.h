// PolicyDriver: a real LB policy object, made by core's registry, and what a
// channel tells it: lists of addresses, configurations, its end.
//
// Knows nothing of what the policy asks of the channel: that is the control
// that it is given.  Ours and the stock policies can be driven alike.
//
// Threads: one.  Everything is called with an ExecCtx.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_DRIVER_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_DRIVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class PolicyDriver {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;

  // `config_json`: a loadBalancingConfig list, `[{"round_robin":{}}]`.  Ends
  // the program on an invalid one.
  PolicyDriver(absl::string_view config_json, grpc_core::ChannelArgs args,
               std::shared_ptr<grpc_core::WorkSerializer> serializer,
               std::unique_ptr<Policy::ChannelControlHelper> control);
  // Shuts the policy down.
  ~PolicyDriver();
  PolicyDriver(const PolicyDriver&) = delete;
  PolicyDriver& operator=(const PolicyDriver&) = delete;

  // `count` addresses, from 10.0.0.0:50051 on; `first` moves the window.
  static grpc_core::ServerAddressList Addresses(size_t count, size_t first = 0);
  // Addresses as our resolvers make them: each is a text record, "1.2.3.4:80
  // weight=2000 role=primary" (resolver/endpoint/text_record.h).
  static grpc_core::ServerAddressList Endpoints(
      const std::vector<std::string>& records);

  // The configuration of the updates that follow.
  void SetConfig(absl::string_view config_json);
  // One resolver update.  `note`: the resolver's, for an empty list.
  absl::Status Update(absl::StatusOr<grpc_core::ServerAddressList> addresses,
                      std::string note = "");
  void ResetBackoff();
  void ExitIdle();
  // Idempotent.  Runs `then`, in the serializer, when the policy is shut down.
  void ShutDown(const std::function<void()>& then = nullptr);
  // Never destroys the policy, for one that could not bear it.
  void Leak();

  absl::string_view policy_name() const { return config_->name(); }

 private:
  void Run(const std::function<void()>& fn);

  const grpc_core::ChannelArgs args_;
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  grpc_core::RefCountedPtr<Policy::Config> config_;
  grpc_core::OrphanablePtr<Policy> policy_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_DRIVER_H_

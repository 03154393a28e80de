// PolicyDriver: makes a real LB policy through core's registry, and passes it
// what a channel would: lists of addresses, configurations and its shutdown.
//
// The policy's own requests go to the ChannelControlHelper that the caller
// passes.  multi_backend and gRPC's own policies can be driven alike.
//
// Threads: the test's only, with an ExecCtx.
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
#include "multi_backend/port/core.h"

namespace multi_backend {

class PolicyDriver {
 public:
  using Policy = grpc_core::LoadBalancingPolicy;

  // `config_json` is a loadBalancingConfig list such as `[{"round_robin":{}}]`.
  // The program ends if it is invalid.  `settle` runs what the serializer's
  // engine has been given; null if the engine has threads.
  PolicyDriver(absl::string_view config_json, grpc_core::ChannelArgs args,
               std::shared_ptr<grpc_core::WorkSerializer> serializer,
               std::unique_ptr<Policy::ChannelControlHelper> control,
               std::function<void()> settle = nullptr);
  // Shuts the policy down.
  ~PolicyDriver();
  PolicyDriver(const PolicyDriver&) = delete;
  PolicyDriver& operator=(const PolicyDriver&) = delete;

  // Returns `count` addresses that follow 10.0.0.0:50051, without the first
  // `first` of them.
  static core::AddressList Addresses(size_t count, size_t first = 0);
  // Returns addresses as this library's resolvers make them.  Each comes from a
  // text record, "1.2.3.4:80 weight=2000 role=primary"
  // (resolver/endpoint/text_record.h).
  static core::AddressList Endpoints(const std::vector<std::string>& records);

  // Sets the configuration for the updates that follow.
  void SetConfig(absl::string_view config_json);
  // Makes one resolver update.  `note` is the resolution note of an empty list.
  absl::Status Update(absl::StatusOr<core::AddressList> addresses,
                      std::string note = "");
  // Waits until the serializer has run what it has been given so far.
  void Flush() {
    Run([]() {});
  }
  void ResetBackoff();
  void ExitIdle();
  // Shuts the policy down and then runs `then` in the serializer.  Idempotent.
  void ShutDown(const std::function<void()>& then = nullptr);
  // Leaves the policy alive for the rest of the process.
  void Leak();

  absl::string_view policy_name() const { return config_->name(); }

 private:
  void Run(const std::function<void()>& fn);

  const grpc_core::ChannelArgs args_;
  const std::shared_ptr<grpc_core::WorkSerializer> serializer_;
  const std::function<void()> settle_;
  grpc_core::RefCountedPtr<Policy::Config> config_;
  grpc_core::OrphanablePtr<Policy> policy_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_DRIVER_H_

// PolicyEngine: an event engine that a test gives to a policy, without what a
// policy has no use for, which is connections, listeners and DNS.
//
// Threads: as the class that derives from it says.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_ENGINE_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_ENGINE_H_

#include <grpc/event_engine/event_engine.h>

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "multi_backend/port/fakes.h"

namespace multi_backend {

class PolicyEngine : public grpc_event_engine::experimental::EventEngine {
 public:
  using EventEngine::Run;
  void Run(Closure* closure) final {
    Run([closure]() { closure->Run(); });
  }
  bool IsWorkerThread() override { return false; }
  absl::StatusOr<std::unique_ptr<Listener>> CreateListener(
      Listener::AcceptCallback, absl::AnyInvocable<void(absl::Status)>,
      const grpc_event_engine::experimental::EndpointConfig&,
      std::unique_ptr<grpc_event_engine::experimental::MemoryAllocatorFactory>)
      final {
    return NotForAPolicy("CreateListener()");
  }
  ConnectionHandle Connect(
      OnConnectCallback, const ResolvedAddress&,
      const grpc_event_engine::experimental::EndpointConfig&,
      grpc_event_engine::experimental::MemoryAllocator, Duration) final {
    (void)NotForAPolicy("Connect()");
    return {};
  }
  bool CancelConnect(ConnectionHandle) final {
    (void)NotForAPolicy("CancelConnect()");
    return false;
  }
  core::MadeDnsResolver GetDNSResolver(
      const DNSResolver::ResolverOptions&) final {
    (void)NotForAPolicy("GetDNSResolver()");
    return core::MadeDnsResolver();
  }

 private:
  // Called when the policy uses the function `what`; returns the error.
  virtual absl::Status NotForAPolicy(const char* what) {
    return absl::UnimplementedError(what);
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_TESTING_POLICY_ENGINE_H_

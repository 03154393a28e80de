#include "multi_backend/lb_policy/grpc/policy_factory.h"

#include <memory>
#include <utility>

#include "multi_backend/call/grpc/filters/stream_filter.h"
#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/health/probes/registry.h"
#include "multi_backend/lb_policy/grpc/multi_backend_policy.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/core_builder.h"

namespace multi_backend {
namespace {

class PolicyFactory final : public grpc_core::LoadBalancingPolicyFactory {
 public:
  absl::string_view name() const override { return kPolicyName; }

  grpc_core::OrphanablePtr<grpc_core::LoadBalancingPolicy>
  CreateLoadBalancingPolicy(
      grpc_core::LoadBalancingPolicy::Args args) const override {
    return grpc_core::MakeOrphanable<MultiBackendPolicy>(std::move(args));
  }

  absl::StatusOr<
      grpc_core::RefCountedPtr<grpc_core::LoadBalancingPolicy::Config>>
  ParseLoadBalancingConfig(const grpc_core::Json& json) const override {
    // Core passes JSON null if a channel arg names the policy without a
    // configuration.
    auto config = core::IsNull(json)
                      ? std::make_shared<const PolicyConfig>()
                      : ParsedConfigs().GetPolicy(core::TextOf(json));
    if (!config.ok()) return config.status();
    const absl::Status linked = CheckProbeIsLinked((*config)->health);
    if (!linked.ok()) return linked;
    return grpc_core::MakeRefCounted<MultiBackendPolicyConfig>(
        *std::move(config));
  }
};

}  // namespace

void RegisterPolicy(CoreBuilder& builder) {
  builder.builder->lb_policy_registry()->RegisterLoadBalancingPolicyFactory(
      std::make_unique<PolicyFactory>());
  RegisterStreamFilter(builder);
}

}  // namespace multi_backend

// RouteConfigSelector: takes the interceptor's label off a call's metadata,
// before anything can leave the process, and puts it into a CallContext in the
// call's arena; hands out the method's configuration, with the retry policy
// that failover asks for.
//
// Immutable; core calls GetCallConfig() under the channel's resolution lock.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "multi_backend/port/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {

class RouteConfigSelector final : public grpc_core::ConfigSelector {
 public:
  using MethodConfigs = grpc_core::ServiceConfigParser::ParsedConfigVector;

  // `service_config`: keeps `never` and `gate` alive too, for as long as any
  // call runs.
  // `never`: the same without perTryTimeout, for calls that are never retried:
  // giving up an attempt would help nobody.  Null = without anyhow.
  // `own_retry`: the method configurations whose retryPolicy is the
  // application's own.
  RouteConfigSelector(
      grpc_core::RefCountedPtr<grpc_core::ServiceConfig> service_config,
      grpc_core::ServiceConfig* never, RetryGate* gate,
      absl::flat_hash_set<const MethodConfigs*> own_retry)
      : service_config_(std::move(service_config)),
        never_(never),
        gate_(gate),
        own_retry_(std::move(own_retry)) {}

  const char* name() const override { return "multi_backend"; }
  bool Equals(const grpc_core::ConfigSelector* other) const override;
  CallConfig GetCallConfig(GetCallConfigArgs args) override;

 private:
  const grpc_core::RefCountedPtr<grpc_core::ServiceConfig> service_config_;
  grpc_core::ServiceConfig* const never_;
  RetryGate* const gate_;
  const absl::flat_hash_set<const MethodConfigs*> own_retry_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_

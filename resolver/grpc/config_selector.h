// RouteConfigSelector: decides a call's route and sticky key and puts them into
// a CallContext in the call's arena.  It also hands out the method's
// configuration, with the retry policy that failover asks for.
//
// What an interceptor has decided, in a label that it put into the call's
// metadata, takes precedence over the service config.  The label is removed
// before it can leave the process.  A call with an entry of that key which no
// interceptor has written, or with more metadata than maxRequestMetadata, is
// refused.
//
// Core calls Select() for one call of a channel at a time, and the
// application's sticky-key function runs within it.  All else is immutable.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core.h"
#include "multi_backend/resolver/grpc/call_routing.h"

namespace multi_backend {

class RouteConfigSelector final : public core::SelectorBase {
 public:
  // `service_config` also keeps `never`, `retry_state` and `routing` alive, for
  // as long as any call runs.  `never` is the same without perTryTimeout, for
  // calls that are never retried, where giving up an attempt would be
  // pointless; null when `service_config` has no perTryTimeout.  `own_retry`
  // holds the method configurations whose retryPolicy is the application's own.
  // `max_request_metadata` and `retry_buffer` are as in PolicyConfig.
  RouteConfigSelector(core::ServiceConfigRef service_config,
                      grpc_core::ServiceConfig* never,
                      ChannelRetryState* retry_state,
                      const CallRouting* routing,
                      absl::flat_hash_set<const core::MethodConfigs*> own_retry,
                      size_t max_request_metadata,
                      absl::optional<int> retry_buffer)
      : service_config_(std::move(service_config)),
        never_(never),
        retry_state_(retry_state),
        routing_(routing),
        own_retry_(std::move(own_retry)),
        max_request_metadata_(max_request_metadata),
        retry_buffer_(retry_buffer) {}

  void Select(core::SelectedCall& call) override;
  bool SelectsAs(const SelectorBase& other) const override;
  void AddFiltersAboveRetries(core::FilterList& filters) override;
  grpc_core::ChannelArgs RetryFilterArgs(
      const grpc_core::ChannelArgs& args) override;

 private:
  // Refuses a call of `method` that has more metadata than `maxRequestMetadata`
  // allows, or logs the first one that has more than servers usually take.
  absl::Status OnMuchMetadata(absl::string_view method, size_t size);

  const core::ServiceConfigRef service_config_;
  grpc_core::ServiceConfig* const never_;
  ChannelRetryState* const retry_state_;
  const CallRouting* const routing_;
  const absl::flat_hash_set<const core::MethodConfigs*> own_retry_;
  const size_t max_request_metadata_;
  const absl::optional<int> retry_buffer_;
  // Whether a call with much metadata has been reported.
  bool reported_metadata_ = false;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CONFIG_SELECTOR_H_

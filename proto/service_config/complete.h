// Completes a service config with what the library adds to it before gRPC reads
// it: the policy `multi_backend` where none is chosen, a default strategy, and
// the retryPolicy with which failover lets gRPC make its retries.
//
// Everything that the application wrote stays as it is, byte by byte: a number
// that went through a double could become another one ("9007199254740993"), or
// one that gRPC refuses could become one that it accepts ("1e3").
//
// Pure and thread-safe.  Cost: linear in the text.
#ifndef MULTI_BACKEND_PROTO_SERVICE_CONFIG_COMPLETE_H_
#define MULTI_BACKEND_PROTO_SERVICE_CONFIG_COMPLETE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/proto/json/object.h"

namespace multi_backend {

struct ServiceConfigAdditions {
  // Requires LeavesPolicyOpen().
  bool choose_our_policy = false;
  // For a policy `multi_backend` without a strategy.
  absl::optional<StrategyKind> default_strategy;
  // The JSON of a retryPolicy for every method that has none of its own.
  absl::optional<std::string> retry_policy;
};

// Returns `text` with the additions.  `service_config` is what
// ReadServiceConfig(text) has returned.
std::string CompleteServiceConfig(absl::string_view text,
                                  const JsonObject& service_config,
                                  const ServiceConfigAdditions& additions);

// The methods with a retryPolicy of their own, as paths that gRPC looks up:
// "/package.Service/Method".  "/package.Service/*" stands for the other methods
// of a service, and "/*/*" for all others; no method is named "*".
std::vector<std::string> PathsWithRetryPolicy(const JsonObject& service_config);

// The retryPolicy with which gRPC makes the retries that the library grants;
// nullopt when failover is off.  With a `classifier` of the application gRPC
// must let the library see every status.
absl::optional<std::string> RetryPolicyJson(const FailoverConfig& failover,
                                            bool classifier);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_SERVICE_CONFIG_COMPLETE_H_

// EndpointPolicy: which discovered endpoints are used.  Discovery data is not
// trusted: whoever can write a record must not be able to send calls to the
// metadata service of a cloud, or to make a client run out of memory.
//
//   EndpointAdmission admission(policy);
//   admission.Offer(*std::move(endpoint), "endpoints[3]");  // Kept or dropped.
//   auto admitted = std::move(admission).Finish();
//
// Refused are: a host or port that no address can have; link-local, multicast,
// unspecified and broadcast addresses; host names that the C library would read
// as numbers; hosts that the lists refuse; the same address again; weights,
// roles, zones and labels beyond the configuration's bounds.  A refused
// endpoint is dropped, counted, and shown with the reason.
//
// The lists look at what was discovered: when a host NAME is discovered, the
// addresses that it later has are not checked.
//
// Cost: O(1) an endpoint, but for the lists' length.  Pure; EndpointPolicy is
// immutable, EndpointAdmission thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_ENDPOINT_POLICY_H_
#define MULTI_BACKEND_RESOLVER_ENDPOINT_POLICY_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/host_rule.h"

namespace multi_backend {

struct DiscoveryLimits {
  size_t max_document_bytes = 1 << 20;
  size_t max_endpoints = kMaxEndpoints;  // Refused ones count too.
  size_t max_labels = kMaxLabels;        // Of one endpoint.
  size_t max_label_bytes =
      kMaxNameSize;  // Of a name, and of a value; also of a zone.
};

// What was dropped; only the first kMostNamed are kept as texts.
struct Refusals {
  size_t count = 0;
  std::vector<std::string> shown;

  void Add(absl::string_view where, absl::string_view reason);
  // "2 refused: endpoints[3]: …; endpoints[7]: …", "… and 4 more"; "" for none.
  std::string ToString() const;
};

struct AdmittedEndpoints {
  EndpointList endpoints;
  Refusals refused;
};

class EndpointPolicy {
 public:
  struct Options {
    DiscoveryLimits limits;
    // HostRules.  Not empty: whatever matches none is refused.
    std::vector<std::string> allow;
    // HostRules.  Whatever matches one is refused, also when it is allowed.
    std::vector<std::string> deny;
  };

  // The default limits, no lists.
  EndpointPolicy() = default;
  // INVALID_ARGUMENT for a rule that cannot be read.
  static absl::StatusOr<EndpointPolicy> Make(const Options& options);

  const DiscoveryLimits& limits() const { return limits_; }

  // Why the endpoint is refused, without its address: "link-local address";
  // "" when it is not.  `name`: the discovered name whose address the endpoint
  // is, if there is one; a list matches when it matches either.
  std::string ReasonToRefuse(const Endpoint& endpoint,
                             absl::string_view name = "") const;

 private:
  std::string ProblemOfHost(const Endpoint& endpoint,
                            absl::string_view name) const;
  std::string ProblemOfAttributes(const Endpoint& endpoint) const;

  DiscoveryLimits limits_;
  std::vector<HostRule> allow_;
  std::vector<HostRule> deny_;
};

// One list on its way through a policy, which must outlive it.
class EndpointAdmission {
 public:
  // `expected`: about so many will be offered.
  explicit EndpointAdmission(const EndpointPolicy& policy, size_t expected = 0)
      : policy_(policy) {
    expected = std::min(expected, policy.limits().max_endpoints);
    admitted_.endpoints.reserve(expected);
    keys_.reserve(expected);
  }

  // `where`: of the source, for texts: "endpoints[3]".  `name`: as that of
  // ReasonToRefuse().
  void Offer(Endpoint endpoint, absl::string_view where,
             absl::string_view name = "");
  // An entry that could not even be read.
  void Refuse(absl::string_view where, absl::string_view reason);

  // RESOURCE_EXHAUSTED when there were more than max_endpoints: a list that
  // lacks some would be worse than the last good one.
  absl::StatusOr<AdmittedEndpoints> Finish() &&;

 private:
  const EndpointPolicy& policy_;
  size_t offered_ = 0;
  AdmittedEndpoints admitted_;
  absl::flat_hash_set<std::string> keys_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_POLICY_H_

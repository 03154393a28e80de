// EndpointPolicy: decides which discovered endpoints are used.
//
// Discovery data is not trusted: whoever can write a record must not be able to
// send calls to the metadata service of a cloud, or to make a client run out of
// memory.
//
//   EndpointAdmission admission(policy);
//   admission.Offer(*std::move(endpoint), "endpoints[3]");  // Kept or dropped.
//   auto admitted = std::move(admission).Finish();
//
// The policy refuses: a host or port that no address can have; link-local,
// multicast, unspecified and broadcast addresses; host names that the C library
// would read as numbers; hosts that the lists exclude; an address that came
// before; weights, roles, zones and labels beyond the configuration's bounds; a
// role beyond the number of roles that a list may have.
// A refused endpoint is dropped, counted, and reported with the reason.
//
// The lists apply to what was discovered.  When that is a host name, the
// addresses to which it later resolves are not checked.
//
// Cost: linear in the length of the two lists for each endpoint.  Pure;
// EndpointPolicy is immutable, EndpointAdmission is thread-compatible.
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
  // Different ones in a list.  Each has a balancer of its own in every channel.
  size_t max_roles = 64;
  size_t max_labels = kMaxLabels;  // Of one endpoint.
  // Of the name of a label, of its value, and of a zone.
  size_t max_label_bytes = kMaxNameSize;
};

// The endpoints that were dropped.  Only the first kMostNamed are kept as
// texts.
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
    // HostRules.  When there are any, a host that matches none is refused.
    std::vector<std::string> allow;
    // HostRules.  A host that matches one is refused, even if it is allowed.
    std::vector<std::string> deny;
  };

  // The default limits, no lists.
  EndpointPolicy() = default;
  // INVALID_ARGUMENT for a rule that cannot be read.
  static absl::StatusOr<EndpointPolicy> Make(const Options& options);

  const DiscoveryLimits& limits() const { return limits_; }

  // Why the endpoint is refused, without its address: "link-local address"; ""
  // when it is not refused.  `name`: the discovered name that resolved to the
  // endpoint's address, if any; a list applies to the name and to the address.
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

// Admits the endpoints of one list.  The policy must outlive it.
class EndpointAdmission {
 public:
  // `expected`: about how many endpoints will be offered.
  explicit EndpointAdmission(const EndpointPolicy& policy, size_t expected = 0)
      : policy_(policy) {
    expected = std::min(expected, policy.limits().max_endpoints);
    admitted_.endpoints.reserve(expected);
    keys_.reserve(expected);
  }

  // Keeps the endpoint or refuses it.  `where`: its place in the source, for
  // texts: "endpoints[3]".  `name`: as in ReasonToRefuse().
  void Offer(Endpoint endpoint, absl::string_view where,
             absl::string_view name = "");
  // Counts an entry that could not be read.
  void Refuse(absl::string_view where, absl::string_view reason);

  // RESOURCE_EXHAUSTED when there were more than max_endpoints, because a list
  // with some endpoints missing would be worse than the last good list.
  absl::StatusOr<AdmittedEndpoints> Finish() &&;

 private:
  // Why the endpoint does not go with those that were admitted before; "" when
  // it does, and then it counts as one of them.
  std::string ReasonOfTheList(const Endpoint& endpoint);

  const EndpointPolicy& policy_;
  size_t offered_ = 0;
  AdmittedEndpoints admitted_;
  absl::flat_hash_set<std::string> keys_;
  absl::flat_hash_set<std::string> roles_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ENDPOINT_POLICY_H_

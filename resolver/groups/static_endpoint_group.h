// StaticEndpointGroup: a fixed list of endpoints that the application gives.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_STATIC_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_STATIC_ENDPOINT_GROUP_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

class StaticEndpointGroup final : public DynamicEndpointGroup {
 public:
  // INVALID_ARGUMENT when the list is empty or CheckEndpoints() refuses it: for
  // a host or port that no address can have, and for the same address twice.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      EndpointList endpoints);

 protected:
  // "static:///a:1,b:2"; at most five are named.
  std::string Name() const override;

 private:
  explicit StaticEndpointGroup(EndpointList endpoints);

  const std::string name_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_STATIC_ENDPOINT_GROUP_H_

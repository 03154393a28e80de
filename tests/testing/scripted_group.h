// ScriptedGroup: an endpoint group that the test changes.
#ifndef MULTI_BACKEND_TESTS_TESTING_SCRIPTED_GROUP_H_
#define MULTI_BACKEND_TESTS_TESTING_SCRIPTED_GROUP_H_

#include <string>
#include <utility>

#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

namespace multi_backend {

class ScriptedGroup final : public DynamicEndpointGroup {
 public:
  explicit ScriptedGroup(EndpointList first) { SetEndpoints(std::move(first)); }
  ScriptedGroup() = default;

  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;

 protected:
  std::string Name() const override { return "scripted"; }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_SCRIPTED_GROUP_H_

// EndpointGroupRegistry: the groups of this process by name, for
// `group:///name`.
//
//   auto group = StaticEndpointGroup::Make({Endpoint::Of("a.example", 50051)});
//   EndpointGroupRegistry::Register("users", *group, StrategyKind::kLeastBusy);
//   auto channel = CreateChannel("group:///users", creds);
//
// Names are 1 to 128 of [A-Za-z0-9_.-].  Registering a name again replaces its
// group; whoever follows the name goes over to the new group.  After Unregister
// they keep their last list, until the name is registered again.
//
// Threads: every function may be called from any thread, also from callbacks of
// watches.  Register and Unregister wait for callbacks that run just then on
// other threads, so hold no lock that a callback takes.  Never destroyed: safe
// before main() and during exit.  The registry never closes a group.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_REGISTRY_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_REGISTRY_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

class EndpointGroupRegistry {
 public:
  EndpointGroupRegistry() = delete;

  // `strategy` is what channels to the name use when their configuration names
  // none.  When it differs from the one before, followers' watches are called
  // even if the list is the same.  INVALID_ARGUMENT: bad name, null group.
  static absl::Status Register(
      absl::string_view name, std::shared_ptr<EndpointGroup> group,
      StrategyKind strategy = StrategyKind::kRoundRobin);

  // Null for an unknown name.
  static std::shared_ptr<EndpointGroup> Get(absl::string_view name);

  // nullopt for an unknown name.
  static absl::optional<StrategyKind> StrategyOf(absl::string_view name);

  // Whether the name was registered.
  static bool Unregister(absl::string_view name);

  // A new group that has the endpoints of whatever is registered under `name`;
  // closing it does not touch the registered group.  A replacement that does
  // not know its list yet leaves the last one in use.  NOT_FOUND for an unknown
  // name, with the known ones (at most five) in the text; INVALID_ARGUMENT for
  // one that no group can have.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Follow(
      absl::string_view name);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_REGISTRY_H_

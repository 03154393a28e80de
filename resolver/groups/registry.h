// EndpointGroupRegistry: the endpoint groups of this process by name, for the
// target `group:///name`.
//
//   auto group = StaticEndpointGroup::Make({Endpoint::Of("a.example", 50051)});
//   EndpointGroupRegistry::Register("users", *group, StrategyKind::kLeastBusy);
//   auto channel = CreateChannel("group:///users", creds);
//
// Names are 1 to 128 of [A-Za-z0-9_.-].  Registering a name again replaces its
// group, and all followers of the name change to the new group.  After
// Unregister() they keep their last list until the name is registered again.
//
// The registry never closes a group.  It is never destroyed, so it may be used
// before main() and during exit.
//
// Cost: Register() looks at all groups that the new one consists of.
//
// Threads: every function may be called from any thread, also from the
// callbacks of watches.  Register() and Unregister() wait for callbacks that
// are running on other threads, so hold no lock that a callback takes.
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

  // `strategy`: what channels to the name use when their configuration names
  // none.  If it differs from the previous one, the watches of followers are
  // called even when the list is the same.  INVALID_ARGUMENT for a bad name,
  // for a null group, and for a group that follows `name`, itself or through
  // other names; what was registered stays.
  static absl::Status Register(
      absl::string_view name, std::shared_ptr<EndpointGroup> group,
      StrategyKind strategy = StrategyKind::kRoundRobin);

  // Null for an unknown name.
  static std::shared_ptr<EndpointGroup> Get(absl::string_view name);

  // nullopt for an unknown name.
  static absl::optional<StrategyKind> StrategyOf(absl::string_view name);

  // Whether the name was registered.
  static bool Unregister(absl::string_view name);

  // Returns a new group that has the endpoints of the group that is registered
  // under `name` at the time; closing it does not close the registered group.
  // While a replacement does not know its list yet, the last list stays in use.
  // NOT_FOUND for an unknown name, with at most five of the known ones in the
  // text; INVALID_ARGUMENT for a name that no group can have.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Follow(
      absl::string_view name);

  // As Follow(), but for channels, whose name may be registered after them:
  // the group of an unknown name has no list until then, and its last_error()
  // is the NOT_FOUND of Follow().
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> FollowLater(
      absl::string_view name);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_REGISTRY_H_

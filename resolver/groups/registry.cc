#include "multi_backend/resolver/groups/registry.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/resolver/groups/group_name.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

class Follower;

struct Entry {
  std::shared_ptr<EndpointGroup> group;  // Null = unregistered, with followers.
  StrategyKind strategy = StrategyKind::kRoundRobin;
  uint64_t generation = 0;
  std::map<uint64_t, std::weak_ptr<Follower>> followers;
};

struct Registry {
  Mutex mu;
  std::map<std::string, Entry, std::less<>> entries ABSL_GUARDED_BY(mu);
  uint64_t last_generation ABSL_GUARDED_BY(mu) = 0;
  uint64_t last_follower ABSL_GUARDED_BY(mu) = 0;
};

// Never destroyed, because groups may be used while the process exits.
Registry& TheRegistry() {
  static Registry* const registry = new Registry;
  return *registry;
}

// The group that Follow() returns.
class Follower final : public DynamicEndpointGroup {
 public:
  Follower(absl::string_view name, uint64_t id) : name_(name), id_(id) {}

  ~Follower() override {
    Release();
    Registry& registry = TheRegistry();
    MutexLock lock(&registry.mu);
    const auto found = registry.entries.find(name_);
    if (found == registry.entries.end()) return;
    found->second.followers.erase(id_);
    if (found->second.group == nullptr && found->second.followers.empty()) {
      registry.entries.erase(found);
    }
  }

  // Follows `group` from now on, unless it already follows a newer generation.
  // Null: follows nothing and keeps the list.
  void Switch(uint64_t generation, const std::shared_ptr<EndpointGroup>& group,
              bool redeliver) {
    const ListPtr before = endpoints();
    if (GoOver(generation, group)) {
      std::unique_ptr<Subscription> watch;
      if (group != nullptr) {
        const bool configured = group->names_are_configured();
        watch = group->Watch([this, generation, configured](ListPtr list) {
          Update([&]() -> ListPtr {
            if (generation != generation_) return nullptr;
            list_names_are_configured_ = configured;
            return std::move(list);
          });
        });
      }
      // The replaced source is destroyed here with no lock held, since that may
      // wait.
      Install(generation, Source{group, std::move(watch)});
    }
    if (redeliver && endpoints() == before) Redeliver();
  }

  absl::Status last_error() const override {
    const std::shared_ptr<EndpointGroup> group = CurrentGroup();
    return group == nullptr ? DynamicEndpointGroup::last_error()
                            : group->last_error();
  }

  // The text of the registered group already has its error.
  std::string Describe() const override {
    return CurrentGroup() == nullptr ? DynamicEndpointGroup::Describe()
                                     : Name();
  }

  // True only if it holds for the list in use, which may be that of the
  // previous group, and for the current group.
  bool names_are_configured() const override {
    const std::shared_ptr<EndpointGroup> group = CurrentGroup();
    return list_names_are_configured_ &&
           (group == nullptr || group->names_are_configured());
  }

  void RequestRefresh() override {
    const std::shared_ptr<EndpointGroup> group = CurrentGroup();
    if (group != nullptr) group->RequestRefresh();
  }

  const std::string& followed() const { return name_; }
  using DynamicEndpointGroup::SetError;

 protected:
  std::string Name() const override {
    const std::shared_ptr<EndpointGroup> group = CurrentGroup();
    return absl::StrCat("group:///", name_, group == nullptr ? "" : " = ",
                        group == nullptr ? "" : group->Describe());
  }

  void OnClose() override { Release(); }

 private:
  // The watch is destroyed before the group is released.
  struct Source {
    std::shared_ptr<EndpointGroup> group;
    std::unique_ptr<EndpointGroup::Subscription> watch;
  };

  // From then on the callbacks of older generations change nothing.  Returns
  // whether the generation is newer.
  bool GoOver(uint64_t generation,
              const std::shared_ptr<EndpointGroup>& group) {
    // A closed group calls no watches any more, so its last list is taken here.
    const ListPtr known = group == nullptr ? nullptr : group->endpoints();
    const bool configured = group != nullptr && group->names_are_configured();
    bool newer = false;
    Update([&]() -> ListPtr {
      newer = generation > generation_;
      if (newer) generation_ = generation;
      if (!newer || known == nullptr || known->empty()) return nullptr;
      list_names_are_configured_ = configured;
      return known;
    });
    return newer;
  }

  // Returns the source that is not in use, for the caller to destroy.
  Source Install(uint64_t generation, Source source) {
    MutexLock lock(&mu_);
    if (released_ || generation < source_generation_) return source;
    source_generation_ = generation;
    std::swap(source_, source);
    return source;
  }

  void Release() {
    Source source;
    MutexLock lock(&mu_);
    released_ = true;
    std::swap(source_, source);
  }

  std::shared_ptr<EndpointGroup> CurrentGroup() const {
    MutexLock lock(&mu_);
    return source_.group;
  }

  const std::string name_;
  const uint64_t id_;
  // Lists of other generations are ignored.  Used in Update() only.
  uint64_t generation_ = 0;
  // names_are_configured() of the list in use.  Written in Update().
  std::atomic<bool> list_names_are_configured_{true};
  mutable Mutex mu_;
  Source source_ ABSL_GUARDED_BY(mu_);
  uint64_t source_generation_ ABSL_GUARDED_BY(mu_) = 0;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

// The followers of an entry, kept alive while the caller calls each of them.
std::vector<std::shared_ptr<Follower>> FollowersOf(const Entry& entry) {
  std::vector<std::shared_ptr<Follower>> followers;
  for (const auto& follower : entry.followers) {
    if (auto alive = follower.second.lock()) {
      followers.push_back(std::move(alive));
    }
  }
  return followers;
}

absl::Status UnknownGroup(const Registry& registry, absl::string_view name)
    ABSL_SHARED_LOCKS_REQUIRED(registry.mu) {
  std::vector<std::string> known;
  for (const auto& entry : registry.entries) {
    if (entry.second.group != nullptr) known.push_back(entry.first);
  }
  std::string others = "no group is registered";
  if (!known.empty()) {
    others = absl::StrCat("registered: ",
                          AbbreviatedList(known.size(), ", ",
                                          [&](size_t i) { return known[i]; }));
  }
  return absl::NotFoundError(
      absl::StrCat("group \"", name, "\" is not registered; ", others));
}

// Whether `group` consists of, or follows, what is registered as the first of
// `names`.  Then `names` becomes the way to it, and otherwise stays as it is.
bool Follows(const Registry& registry, const EndpointGroup& group,
             std::vector<std::string>& names,
             std::set<const EndpointGroup*>& seen)
    ABSL_SHARED_LOCKS_REQUIRED(registry.mu) {
  if (!seen.insert(&group).second) return false;
  if (const auto* follower = dynamic_cast<const Follower*>(&group)) {
    names.push_back(follower->followed());
    if (names.back() == names.front()) return true;
    const auto entry = registry.entries.find(follower->followed());
    if (entry != registry.entries.end() && entry->second.group != nullptr &&
        Follows(registry, *entry->second.group, names, seen)) {
      return true;
    }
    names.pop_back();
    return false;
  }
  for (const EndpointGroup* inner : group.InnerGroups()) {
    if (Follows(registry, *inner, names, seen)) return true;
  }
  return false;
}

absl::Status CheckFollowsOthersOnly(const Registry& registry,
                                    absl::string_view name,
                                    const EndpointGroup& group)
    ABSL_SHARED_LOCKS_REQUIRED(registry.mu) {
  std::vector<std::string> names = {std::string(name)};
  std::set<const EndpointGroup*> seen;
  if (!Follows(registry, group, names, seen)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("group \"", name, "\" would follow itself (",
                   absl::StrJoin(names, " -> "),
                   "): give it the groups themselves instead of Follow()"));
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> FollowIf(absl::string_view name,
                                                        bool even_unknown) {
  const absl::Status status = CheckGroupName(name);
  if (!status.ok()) return status;
  Registry& registry = TheRegistry();
  std::shared_ptr<Follower> follower;
  std::shared_ptr<EndpointGroup> group;
  uint64_t generation = 0;
  {
    MutexLock lock(&registry.mu);
    const auto found = registry.entries.find(name);
    if (found != registry.entries.end()) group = found->second.group;
    if (group == nullptr && !even_unknown) return UnknownGroup(registry, name);
    Entry& entry = registry.entries[std::string(name)];
    follower = std::make_shared<Follower>(name, ++registry.last_follower);
    if (group == nullptr) follower->SetError(UnknownGroup(registry, name));
    entry.followers.emplace(registry.last_follower, follower);
    generation = entry.generation;
  }
  follower->Switch(generation, group, /*redeliver=*/false);
  return std::shared_ptr<EndpointGroup>(std::move(follower));
}

}  // namespace

absl::Status EndpointGroupRegistry::Register(
    absl::string_view name, std::shared_ptr<EndpointGroup> group,
    StrategyKind strategy) {
  const absl::Status status = CheckGroupName(name);
  if (!status.ok()) return status;
  if (group == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("group \"", name, "\": the endpoint group is null"));
  }
  Registry& registry = TheRegistry();
  // Destroyed without the lock, because its destructor may be application code.
  std::shared_ptr<EndpointGroup> replaced;
  std::vector<std::shared_ptr<Follower>> followers;
  uint64_t generation = 0;
  bool new_strategy = false;
  {
    MutexLock lock(&registry.mu);
    const absl::Status follows = CheckFollowsOthersOnly(registry, name, *group);
    if (!follows.ok()) return follows;
    Entry& entry = registry.entries[std::string(name)];
    replaced = std::exchange(entry.group, group);
    new_strategy = std::exchange(entry.strategy, strategy) != strategy;
    generation = entry.generation = ++registry.last_generation;
    followers = FollowersOf(entry);
  }
  for (const auto& follower : followers) {
    follower->Switch(generation, group, new_strategy);
  }
  return absl::OkStatus();
}

std::shared_ptr<EndpointGroup> EndpointGroupRegistry::Get(
    absl::string_view name) {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  const auto found = registry.entries.find(name);
  return found == registry.entries.end() ? nullptr : found->second.group;
}

absl::optional<StrategyKind> EndpointGroupRegistry::StrategyOf(
    absl::string_view name) {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mu);
  const auto found = registry.entries.find(name);
  if (found == registry.entries.end() || found->second.group == nullptr) {
    return absl::nullopt;
  }
  return found->second.strategy;
}

bool EndpointGroupRegistry::Unregister(absl::string_view name) {
  Registry& registry = TheRegistry();
  std::shared_ptr<EndpointGroup> removed;
  std::vector<std::shared_ptr<Follower>> followers;
  uint64_t generation = 0;
  {
    MutexLock lock(&registry.mu);
    const auto found = registry.entries.find(name);
    if (found == registry.entries.end()) return false;
    Entry& entry = found->second;
    removed = std::exchange(entry.group, nullptr);
    if (removed == nullptr) return false;
    generation = entry.generation = ++registry.last_generation;
    followers = FollowersOf(entry);
    // An entry with followers stays, so that a group registered later reaches
    // them.
    if (entry.followers.empty()) registry.entries.erase(found);
  }
  for (const auto& follower : followers) {
    follower->Switch(generation, nullptr, /*redeliver=*/false);
  }
  return true;
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> EndpointGroupRegistry::Follow(
    absl::string_view name) {
  return FollowIf(name, /*even_unknown=*/false);
}

absl::StatusOr<std::shared_ptr<EndpointGroup>>
EndpointGroupRegistry::FollowLater(absl::string_view name) {
  return FollowIf(name, /*even_unknown=*/true);
}

}  // namespace multi_backend

#include "multi_backend/resolver/groups/union_endpoint_group.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

namespace multi_backend {
namespace {

using Groups = std::vector<std::shared_ptr<EndpointGroup>>;

class UnionGroup final : public DynamicEndpointGroup {
 public:
  explicit UnionGroup(Groups groups)
      : groups_(std::move(groups)), lists_(groups_.size()) {
    for (size_t i = 0; i < groups_.size(); ++i) {
      watches_.push_back(groups_[i]->Watch([this, i](ListPtr list) {
        Update([&] {
          lists_[i] = std::move(list);
          return Merge();
        });
      }));
    }
  }

  ~UnionGroup() override { watches_.clear(); }

  absl::Status last_error() const override {
    for (const auto& group : groups_) {
      absl::Status error = group->last_error();
      if (!error.ok()) return error;
    }
    return absl::OkStatus();
  }

  std::string Describe() const override { return Name(); }

  bool names_are_configured() const override {
    return std::all_of(groups_.begin(), groups_.end(), [](const auto& group) {
      return group->names_are_configured();
    });
  }

  void RequestRefresh() override {
    for (const auto& group : groups_) group->RequestRefresh();
  }

  std::vector<const EndpointGroup*> InnerGroups() const override {
    std::vector<const EndpointGroup*> inner;
    for (const auto& group : groups_) inner.push_back(group.get());
    return inner;
  }

 protected:
  std::string Name() const override {
    const auto describe = [](std::string* out, const auto& group) {
      absl::StrAppend(out, group->Describe());
    };
    return absl::StrCat("union of (", absl::StrJoin(groups_, ", ", describe),
                        ")");
  }

  void OnClose() override {
    watches_.clear();
    for (const auto& group : groups_) group->Close();
  }

 private:
  // Runs in Update(), under its lock.
  ListPtr Merge() {
    size_t total = 0;
    bool all_known = true;
    for (const ListPtr& list : lists_) {
      if (list == nullptr) {
        all_known = false;
      } else {
        total += list->size();
      }
    }
    // An empty union is no answer until every group has a list.
    if (total == 0 && !all_known && !had_endpoints_) return nullptr;
    absl::flat_hash_set<std::string> keys;
    keys.reserve(total);
    auto merged = std::make_shared<EndpointList>();
    merged->reserve(total);
    for (const ListPtr& list : lists_) {
      if (list == nullptr) continue;
      for (const Endpoint& endpoint : *list) {
        if (keys.insert(endpoint.key()).second) merged->push_back(endpoint);
      }
    }
    had_endpoints_ |= !merged->empty();
    return merged;
  }

  const Groups groups_;
  // Used in Update() only.
  std::vector<ListPtr> lists_;  // Null = not known.
  bool had_endpoints_ = false;
  std::vector<std::unique_ptr<Subscription>> watches_;
};

}  // namespace

std::shared_ptr<EndpointGroup> Union(Groups groups) {
  assert(std::none_of(groups.begin(), groups.end(),
                      [](const auto& group) { return group == nullptr; }));
  return std::make_shared<UnionGroup>(std::move(groups));
}

}  // namespace multi_backend

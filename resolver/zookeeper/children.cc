#include "multi_backend/resolver/zookeeper/children.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {

size_t& ZookeeperChildren::CountOf(State state) {
  switch (state) {
    case State::kUnread:
      return unread_;
    case State::kAsked:
      return asked_;
    case State::kRead:
      break;
  }
  return read_;
}

void ZookeeperChildren::Set(Child& child, State state) {
  --CountOf(child.state);
  ++CountOf(state);
  child.state = state;
}

ZookeeperChildren::Map::iterator ZookeeperChildren::Erase(Map::iterator child) {
  --CountOf(child->second.state);
  return children_.erase(child);
}

void ZookeeperChildren::SetNames(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  first_unread_.clear();
  auto child = children_.begin();
  for (std::string& name : names) {
    while (child != children_.end() && child->first < name) {
      child = Erase(child);
    }
    if (child != children_.end() && child->first == name) {
      if (absl::IsPermissionDenied(child->second.record.status())) {
        Set(child->second, State::kUnread);
      }
      ++child;
    } else {
      children_.emplace_hint(child, std::move(name), Child());
      ++unread_;
    }
  }
  while (child != children_.end()) child = Erase(child);
}

void ZookeeperChildren::SetUnread(absl::string_view name) {
  const auto child = children_.find(name);
  if (child == children_.end()) return;
  Set(child->second, State::kUnread);
  if (name < first_unread_) first_unread_ = std::string(name);
}

void ZookeeperChildren::Remove(absl::string_view name) {
  const auto child = children_.find(name);
  if (child != children_.end()) Erase(child);
}

void ZookeeperChildren::SetRecord(absl::string_view name, Record record) {
  const auto child = children_.find(name);
  if (child == children_.end()) return;
  // When it has changed since it was asked for, another record is to come.
  if (child->second.state == State::kAsked) Set(child->second, State::kRead);
  child->second.record = std::move(record);
}

std::vector<std::string> ZookeeperChildren::TakeUnread(size_t max_asked) {
  std::vector<std::string> names;
  if (unread_ == 0) return names;
  for (auto child = children_.lower_bound(first_unread_);
       child != children_.end() && asked_ < max_asked; ++child) {
    if (child->second.state != State::kUnread) continue;
    Set(child->second, State::kAsked);
    names.push_back(child->first);
  }
  if (!names.empty()) first_unread_ = names.back();
  return names;
}

void ZookeeperChildren::ForgetAsked() {
  first_unread_.clear();
  for (auto& child : children_) {
    if (child.second.state == State::kAsked) {
      Set(child.second, State::kUnread);
    }
  }
}

void ZookeeperChildren::Clear() {
  children_.clear();
  first_unread_.clear();
  unread_ = asked_ = read_ = 0;
}

absl::StatusOr<AdmittedEndpoints> ZookeeperChildren::Admit(
    const EndpointPolicy& policy) const {
  EndpointAdmission admission(policy, children_.size());
  for (const auto& child : children_) {
    const Record& record = child.second.record;
    const std::string name = Excerpt(child.first);
    if (record.ok()) {
      admission.Offer(*record, name);
    } else {
      admission.Refuse(name, record.status().message());
    }
  }
  return std::move(admission).Finish();
}

}  // namespace multi_backend

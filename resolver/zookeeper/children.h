// ZookeeperChildren: the known children of a node, and which of them must still
// be read.
//
//   children.SetNames({"a", "b"});
//   for (const std::string& name : children.TakeUnread(1000)) Read(name);
//   children.SetRecord("a", ParseZookeeperRecord(data));   // When it arrives.
//   if (children.complete()) Use(children.Admit(policy));
//
// Cost: O(log n) for each method about one child, O(n log n) for SetNames(),
// O(n) for Admit() and ForgetAsked(), and O(n) for all TakeUnread() of one list
// together.
//
// Pure; thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_CHILDREN_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_CHILDREN_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

class ZookeeperChildren {
 public:
  using Record = absl::StatusOr<Endpoint>;

  // Sets the complete list of children.  New ones are unread, and so are known
  // ones whose record is PERMISSION_DENIED.
  void SetNames(std::vector<std::string> names);
  // The data of this child have changed.  This method and those below do
  // nothing for an unknown child.
  void SetUnread(absl::string_view name);
  void Remove(absl::string_view name);
  void SetRecord(absl::string_view name, Record record);

  // Returns unread children and marks them as asked for, so that at most
  // `max_asked` are asked for at the same time.
  std::vector<std::string> TakeUnread(size_t max_asked);
  // The children asked for will not be answered, so they are unread again.
  void ForgetAsked();
  void Clear();

  size_t size() const { return children_.size(); }
  size_t asked() const { return asked_; }
  // Whether every child has been read.
  bool complete() const { return unread_ + asked_ == 0; }
  // The endpoints, in the order of the children's names.
  absl::StatusOr<AdmittedEndpoints> Admit(const EndpointPolicy& policy) const;

 private:
  enum class State { kUnread, kAsked, kRead };
  struct Child {
    State state = State::kUnread;
    Record record;
  };
  using Map = std::map<std::string, Child, std::less<>>;

  void Set(Child& child, State state);
  size_t& CountOf(State state);
  Map::iterator Erase(Map::iterator child);

  Map children_;
  std::string first_unread_;  // No unread name sorts before it.
  size_t unread_ = 0;
  size_t asked_ = 0;
  size_t read_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_CHILDREN_H_

// ZookeeperChildren: what is known of the children of a node, and what is still
// to be read.
//
//   children.SetNames({"a", "b"});
//   for (const std::string& name : children.TakeUnread(1000)) Read(name);
//   children.SetRecord("a", ParseZookeeperRecord(data));   // When it comes.
//   if (children.complete()) Use(children.Admit(policy));
//
// Cost: O(log n) a child, O(n log n) SetNames(), O(n) Admit() and Forget…; all
// TakeUnread() of a list together O(n).
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

  // All that there are.  New ones are unread; so are, again, those whose
  // record is PERMISSION_DENIED.
  void SetNames(std::vector<std::string> names);
  // Its data have changed.  An unknown child: no-op, as in all below.
  void SetUnread(absl::string_view name);
  void Remove(absl::string_view name);
  void SetRecord(absl::string_view name, Record record);

  // At most so many unread ones are asked for at the same time; these are now.
  std::vector<std::string> TakeUnread(size_t max_asked);
  // What was asked for will not be answered: it is unread again.
  void ForgetAsked();
  void Clear();

  size_t size() const { return children_.size(); }
  size_t asked() const { return asked_; }
  // Every child has been read.
  bool complete() const { return unread_ + asked_ == 0; }
  // The endpoints in the order of the children's names.
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
  std::string first_unread_;  // Before it in the order of names none is unread.
  size_t unread_ = 0;
  size_t asked_ = 0;
  size_t read_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_CHILDREN_H_

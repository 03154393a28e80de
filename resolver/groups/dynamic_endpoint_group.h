// DynamicEndpointGroup: the base of every group; keeps the list and the
// watches.
//
// A source derives from it, learns lists on whatever thread it likes, and calls
// SetEndpoints() or SetError().
//
// Guarantees, on top of those of EndpointGroup:
//  * A callback runs on the thread of the SetEndpoints() that caused it, or,
//    when one of the same watch is running just then, on that one's thread
//    after it.
//  * A watch never sees an older list after a newer one; lists that were
//    replaced before it could see them are left out.  An unchanged list causes
//    nothing.
//  * Close(), and the end of a watch, wait for a callback that is running on
//    another thread; so neither may be called with a lock held that a callback
//    takes.  Called from inside the callback itself, they do not wait.
//  * A callback may destroy its own watch, any watch that is not running, and
//    the group.
//
// Cost: SetEndpoints() compares the lists, O(n), and takes one lock for each
// watch; endpoints() is a lock and a reference count.
//
// A derived class whose source runs on other threads must stop it in its own
// destructor: the base's ends the watches but no longer sees OnClose().
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_DYNAMIC_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_DYNAMIC_ENDPOINT_GROUP_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {

class DynamicEndpointGroup : public EndpointGroup {
 public:
  ~DynamicEndpointGroup() override;
  DynamicEndpointGroup(const DynamicEndpointGroup&) = delete;
  DynamicEndpointGroup& operator=(const DynamicEndpointGroup&) = delete;

  std::shared_ptr<const EndpointList> endpoints() const override;
  // After Close() the callback is never called.
  std::unique_ptr<Subscription> Watch(Callback callback) override;
  absl::Status AwaitInitialEndpoints(absl::Duration timeout) override;
  void Close() override;
  absl::Status last_error() const override;
  // Name(), with " (last error: …)" when there is one.
  std::string Describe() const override;

 protected:
  using ListPtr = std::shared_ptr<const EndpointList>;

  DynamicEndpointGroup();

  // What the group is, e.g. "dns+srv:///_grpc._tcp.users.example".
  virtual std::string Name() const = 0;
  // Called once, by the first Close(), after the last callback; no lock held.
  virtual void OnClose() {}

  // The newest attempt to learn the list gave this.  Clears the last error.
  // Ignored after Close().  `endpoints` must not be null.
  void SetEndpoints(EndpointList endpoints);
  void SetEndpoints(ListPtr endpoints);
  // The newest attempt failed; the list stays.  Ignored after Close().
  void SetError(absl::Status error);
  // The same; and when no list has ever been known, watches are called with the
  // empty list, so that nobody waits for a first one for ever.
  void SetErrorAsNews(absl::Status error);

  // SetEndpoints(compute()), where compute() runs under the group's lock, so
  // that lists made out of several sources come in one order.  It must be short
  // and call nothing of any group; a null result changes nothing.  Fields of a
  // derived class that only such functions use need no other lock.
  void Update(absl::FunctionRef<ListPtr()> compute);
  // Calls every watch once more, although the list is the same.
  void Redeliver();

 private:
  class Watcher;
  struct State;
  class WatchHandle;

  static void Deliver(State& state);
  static void StopWatchers(State& state);

  // Shared with running deliveries, which may outlive the group.
  const std::shared_ptr<State> state_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_DYNAMIC_ENDPOINT_GROUP_H_

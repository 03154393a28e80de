// DynamicEndpointGroup: the base class of every group; it keeps the list and
// the watches.
//
// A source derives from it, learns lists on any thread, and calls
// SetEndpoints() or SetError().
//
// Guarantees, in addition to those of EndpointGroup:
//  * A callback runs on the thread of the SetEndpoints() that caused it.  If
//    the same watch's callback is running at that moment, it runs after that
//    one, on the same thread.
//  * A watch never sees an older list after a newer one.  It misses lists that
//    are replaced before its callback could run.  An unchanged list causes no
//    call.
//  * Close() and the destruction of a watch wait for a callback that is running
//    on another thread, so hold no lock that a callback takes.  Called from
//    within that callback they do not wait.
//  * A callback may destroy its own watch, any watch whose callback is not
//    running, and the group.
//
// Cost: SetEndpoints() compares the lists, O(n), and takes one lock for each
// watch; endpoints() is a lock and a reference count.
//
// A derived class whose source runs on other threads must stop it in its own
// destructor.  The base's destructor stops the watches, but can no longer call
// OnClose().
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

  // What the group is, for example "dns+srv:///_grpc._tcp.users.example".
  virtual std::string Name() const = 0;
  // Called once, by the first Close(), after the last callback, with no lock
  // held.
  virtual void OnClose() {}

  // Sets the list that the latest attempt gave, and clears the last error.
  // Ignored after Close().  `endpoints` must not be null.
  void SetEndpoints(EndpointList endpoints);
  void SetEndpoints(ListPtr endpoints);
  // Sets the error of the latest attempt; the list stays.  Ignored after
  // Close().
  void SetError(absl::Status error);
  // Like SetError(), but if there has been no list yet, calls the watches with
  // the empty list, so that no channel waits for a first list that may never
  // come.
  void SetErrorAsNews(absl::Status error);

  // SetEndpoints(compute()), where compute() runs under the group's lock, which
  // puts lists made from several sources in order.  compute() must be short and
  // call no method of any group; when it returns null, nothing changes.  Fields
  // of a derived class that only such functions use need no other lock.
  void Update(absl::FunctionRef<ListPtr()> compute);
  // Calls every watch again with the same list.
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

// EndpointGroup: a set of endpoints that may change while it is in use.
//
// Sources (static list, DNS, file, …) derive from DynamicEndpointGroup and call
// SetEndpoints(); decorators (OrElse, …) watch other groups.
//
// Threads: every method may be called from any thread.  Watch callbacks of one
// watch never run at the same time as each other; they run without any lock of
// the group held, so they may call back into the group.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class EndpointGroup {
 public:
  // Gets the whole list each time it changes.  The list is never null.
  using Callback = std::function<void(std::shared_ptr<const EndpointList>)>;

  // A running watch; destroying it stops it.  When the destructor returns, no
  // callback is running (unless it is destroyed from inside the callback) and
  // none will run.  It may outlive the group.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };

  virtual ~EndpointGroup() = default;

  // The current list; never null; empty before the first one is known.
  virtual std::shared_ptr<const EndpointList> endpoints() const = 0;

  // Calls `callback` with the current list (before returning, if the list is
  // already known) and again after each change.
  virtual std::unique_ptr<Subscription> Watch(Callback callback) = 0;

  // Blocks until the list is not empty.  DEADLINE_EXCEEDED after `timeout`,
  // with Describe(), which has the last error, and the time in the text:
  // "file:///a.json (last error: cannot open: …): no endpoints after 5s", or
  // "…: no answer after 5s"; CANCELLED when closed.
  virtual absl::Status AwaitInitialEndpoints(absl::Duration timeout) = 0;

  // Stops updating and releases the source.  Waits for a callback that is
  // running on another thread; none starts after this returns, not even of a
  // later Watch().  endpoints() keeps its last value.  Idempotent.
  virtual void Close() = 0;

  // OK, or why the newest attempt to learn the list failed (the list itself is
  // then the last good one).
  virtual absl::Status last_error() const { return absl::OkStatus(); }

  // For texts: "static:///a:1,b:2" or "file:///a.json (last error: …)".
  virtual std::string Describe() const = 0;

  // Whether the endpoints' host names are the application's own, so that they
  // may be the TLS name and :authority of calls.  False for discovered ones:
  // who can write a DNS record or a file must not choose the name that a
  // certificate is checked against.
  virtual bool names_are_configured() const { return true; }

  // Asks a source that polls to look again soon; default: nothing.
  virtual void RequestRefresh() {}
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_

// EndpointGroup: a set of endpoints that may change while it is in use.
//
// Sources (static list, DNS, file) derive from DynamicEndpointGroup and call
// SetEndpoints(); decorators (OrElse, Union) watch other groups.
//
// Threads: every method may be called from any thread.  The callbacks of one
// watch never run concurrently.  No lock of the group is held while they run,
// so they may call the group's methods.
#ifndef MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class EndpointGroup {
 public:
  // Receives the whole list each time it changes; the list is never null.
  using Callback = std::function<void(std::shared_ptr<const EndpointList>)>;

  // A running watch, which its destructor stops: on return no callback is
  // running (except one that destroyed the watch) and none will run.  It may
  // outlive the group.
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

  // Blocks until the list is not empty.  DEADLINE_EXCEEDED after `timeout`; the
  // text has Describe(), and with it the last error, and the time:
  // "file:///a.json (last error: cannot open: …): no endpoints after 5s", or
  // "…: no answer after 5s".  CANCELLED when closed.
  virtual absl::Status AwaitInitialEndpoints(absl::Duration timeout) = 0;

  // Stops updating and releases the source.  Waits for a callback that is
  // running on another thread.  After it returns no callback starts, not even
  // that of a later Watch().  endpoints() keeps its last value.  Idempotent.
  virtual void Close() = 0;

  // OK, or why the latest attempt to learn the list failed; endpoints() is then
  // the last good list.
  virtual absl::Status last_error() const { return absl::OkStatus(); }

  // For texts: "static:///a:1,b:2" or "file:///a.json (last error: …)".
  virtual std::string Describe() const = 0;

  // Whether the endpoints' host names are the application's own, so that they
  // may be the TLS name and :authority of calls.  False for discovered ones:
  // whoever can write a DNS record or a file must not choose the name that a
  // certificate is checked against.
  virtual bool names_are_configured() const { return true; }

  // Asks a source that polls to look again soon.  Does nothing by default.
  virtual void RequestRefresh() {}

  // The groups that this one watches.  They live as long as this one.  The
  // registry uses them to refuse a group that would follow itself; a group of
  // the application that watches others should name them.  Must not call the
  // registry.
  virtual std::vector<const EndpointGroup*> InnerGroups() const { return {}; }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GROUPS_ENDPOINT_GROUP_H_

// EndpointAddresses: turns endpoints into socket addresses, as core expects
// them.
//
// IP literals are taken as they are; host names are resolved by core's own
// `dns` resolver.  A host with several addresses becomes several backends, each
// with the endpoint's weight.
//
// At most 32 host names are resolved at a time, because each resolution may
// take a socket.  A host that does not answer delays the others, and the IP
// literals, by no more than 1 s: the addresses that are known are used, and the
// others join.  A host whose resolution fails keeps its last addresses and is
// tried again after a backoff.
//
// A host name that the application configured is the TLS name and :authority of
// its backends.  For a host name that came from discovery
// (EndpointGroup::names_are_configured) the backends use the channel's.
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/host_queue.h"

namespace multi_backend {

class EndpointAddresses {
 public:
  struct Args {
    grpc_core::ChannelArgs channel_args;
    grpc_pollset_set* pollset_set = nullptr;
    std::shared_ptr<grpc_core::WorkSerializer> work_serializer;
    // Called when AddressesLocked() or ProblemsLocked() have changed, and for
    // each list; also within SetEndpointsLocked().  It may destroy this object.
    std::function<void()> on_change;
  };
  explicit EndpointAddresses(Args args);
  ~EndpointAddresses();
  EndpointAddresses(const EndpointAddresses&) = delete;
  EndpointAddresses& operator=(const EndpointAddresses&) = delete;

  void SetEndpointsLocked(std::shared_ptr<const EndpointList> endpoints,
                          bool names_are_configured);

  // All addresses known now.
  core::AddressList AddressesLocked() const;
  // The errors of host names, of which at most five are named; "" = none.
  std::string ProblemsLocked() const;

  void RequestReresolutionLocked();
  void ResetBackoffLocked();

 private:
  using EventEngine = grpc_event_engine::experimental::EventEngine;
  class HostResultHandler;
  struct Host {
    // Null unless the host is being resolved.
    grpc_core::OrphanablePtr<grpc_core::Resolver> resolver;
    bool answered = false;
    core::AddressList addresses;  // From the last good answer.
    absl::Status error;           // From the newest answer.
  };
  // Lets timers find this object, or find that it is gone.
  struct Self {
    EndpointAddresses* self;
  };

  // Begins resolutions, reports what is due to be reported, and sets the timer.
  // Must be the last action of each function that calls it.
  void ContinueLocked();
  void ResolveDueLocked(absl::Time now);
  void ResolveLocked(const std::string& name);
  void OnAnswerLocked(const std::string& name,
                      grpc_core::Resolver::Result result);
  // When to report; InfiniteFuture = there is nothing to report yet.
  absl::Time ReportDueLocked() const;
  bool AnyAddressLocked() const;
  // Sets the timer for the next resolution or report.
  void SetTimerLocked(absl::Time now);

  const Args args_;
  const std::shared_ptr<Self> self_;
  std::shared_ptr<const EndpointList> endpoints_;
  bool names_are_configured_ = true;   // For `endpoints_`.
  std::map<std::string, Host> hosts_;  // By "host:port".
  HostQueue queue_;                    // Of the keys of `hosts_`.
  size_t unanswered_ = 0;              // Hosts that were never answered.
  // Since when there has been something to report.
  absl::optional<absl::Time> unreported_since_;
  absl::Time reported_at_ = absl::InfinitePast();
  std::shared_ptr<EventEngine> engine_;  // Null until the first timer.
  absl::Time timer_at_ = absl::InfiniteFuture();
  absl::optional<EventEngine::TaskHandle> timer_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_

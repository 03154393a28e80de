// EndpointAddresses: turns endpoints into socket addresses, as core expects
// them.
//
// IP literals are taken as they are; each host name gets a child `dns` resolver
// of core's own.  A host with several addresses becomes several backends, each
// with the endpoint's weight.
//
// A host name that the application configured is the TLS name and :authority of
// its backends.  For a host name that came from discovery
// (EndpointGroup::names_are_configured) the backends use the channel's.
//
// Threads: everything runs in the channel's work serializer.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "multi_backend/port/core_api.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class EndpointAddresses {
 public:
  struct Args {
    grpc_core::ChannelArgs channel_args;
    grpc_pollset_set* pollset_set = nullptr;
    std::shared_ptr<grpc_core::WorkSerializer> work_serializer;
    // Called when a host's addresses become known or change.
    std::function<void()> on_change;
  };
  explicit EndpointAddresses(Args args);
  ~EndpointAddresses();
  EndpointAddresses(const EndpointAddresses&) = delete;
  EndpointAddresses& operator=(const EndpointAddresses&) = delete;

  void SetEndpointsLocked(std::shared_ptr<const EndpointList> endpoints,
                          bool names_are_configured);

  // Whether every host name has been answered, with addresses or with an error.
  bool CompleteLocked() const;
  // All addresses known now.
  grpc_core::ServerAddressList AddressesLocked() const;
  // The errors of host names; "" = none.
  std::string ProblemsLocked() const;

  void RequestReresolutionLocked();
  void ResetBackoffLocked();

 private:
  class HostResultHandler;
  struct Host {
    grpc_core::OrphanablePtr<grpc_core::Resolver> resolver;
    bool answered = false;
    grpc_core::ServerAddressList addresses;  // From the last good answer.
    absl::Status error;                      // From the newest answer.
  };

  void StartHostLocked(const std::string& name);

  const Args args_;
  std::shared_ptr<const EndpointList> endpoints_;
  bool names_are_configured_ = true;   // For `endpoints_`.
  std::map<std::string, Host> hosts_;  // By "host:port".
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ADDRESSES_H_

// Functions that translate core's addresses and channel args for the policy.
// They are pure.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_

#include <stddef.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Returns the args for subchannels.  Args that differ between channels of equal
// settings are removed, so that such channels share connections.
grpc_core::ChannelArgs SubchannelArgs(const grpc_core::ChannelArgs& args);

// Whether core watches the health of connections with `subchannel_args`
// (healthCheckConfig).
bool HaveHealthWatch(const grpc_core::ChannelArgs& subchannel_args);

// Returns `subchannel_args` for the connection with this number of a backend.
// Core shares a subchannel among equal addresses and args, so the connection
// with number 0 is shared with channels that have only one.
grpc_core::ChannelArgs ArgsOfConnection(
    const grpc_core::ChannelArgs& subchannel_args, int number);

// Returns the address as text: "1.2.3.4:80", "[::1]:80", "unix:/path".
std::string AddressText(const grpc_resolved_address& address);

// Returns the name by which a connection calls its server, as core finds it:
// the channel's, or else that of the address, or else `of_target`.
std::string AuthorityOf(const core::Address& address,
                        const grpc_core::ChannelArgs& channel,
                        absl::string_view of_target);

// Returns the endpoint of each address; `backends` overrides its attributes.
std::vector<std::shared_ptr<const Endpoint>> EndpointsOf(
    const core::AddressList& addresses,
    const std::vector<BackendConfig>& backends);

// AddressKeys: the identities of backends within a channel, each made of the
// address and the configured name.  One string holds all of them, which saves
// thousands of allocations for a long list.
class AddressKeys {
 public:
  void Add(const core::Address& address);
  // Returns the key that was added as the index'th.  Valid until the next
  // Add().
  absl::string_view operator[](size_t index) const;

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_

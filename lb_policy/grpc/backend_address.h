// What the policy reads out of core's addresses and channel args.  Pure
// functions.
#ifndef MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_
#define MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_

#include <stddef.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/port/address_attribute.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// The args for subchannels: what differs between channels of equal settings is
// taken off, so that they share connections.
grpc_core::ChannelArgs SubchannelArgs(const grpc_core::ChannelArgs& args);

// "1.2.3.4:80", "[::1]:80", "unix:/path".
std::string AddressText(const grpc_resolved_address& address);

// What is said of each address, with the attributes of `backends` laid over it.
std::vector<std::shared_ptr<const Endpoint>> EndpointsOf(
    const grpc_core::ServerAddressList& addresses,
    const std::vector<BackendConfig>& backends);

// Identities of backends within a channel: address and configured name.  All in
// one text, since lists have thousands.
class AddressKeys {
 public:
  void Add(const grpc_core::ServerAddress& address);
  // Of the index'th that was added; until the next Add().
  absl::string_view operator[](size_t index) const;

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_GRPC_BACKEND_ADDRESS_H_

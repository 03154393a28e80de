#include "multi_backend/lb_policy/grpc/backend_address.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/filters/stream_filter.h"
#include "multi_backend/resolver/endpoint/backend_overrides.h"

namespace multi_backend {
namespace {

// A number in this arg tells the connections of one backend apart.
constexpr absl::string_view kConnectionNumberArg =
    "multi_backend.connection_number";
// Core's, in both releases.
constexpr absl::string_view kHealthCheckServiceArg =
    "grpc.internal.health_check_service_name";

using grpc_core::ChannelArgs;

// Every subchannel's args keep the whole target string.  A target that lists
// all addresses would take memory quadratic in their number.
constexpr size_t kMaxTargetInSubchannelArgs = 256;

}  // namespace

ChannelArgs SubchannelArgs(const ChannelArgs& args) {
  ChannelArgs stripped = args.Remove(ChannelExtension::ChannelArgName())
                             .Remove(kServiceConfigArg)
                             .Remove(kForeignServiceConfigArg)
                             .Remove(ChannelStore::ChannelArgName())
                             .Remove(ChannelRetryState::ChannelArgName())
                             .Set(kStreamFilterArg, 1);
  const auto target = stripped.GetString(GRPC_ARG_SERVER_URI);
  if (target.has_value() && target->size() > kMaxTargetInSubchannelArgs) {
    stripped = stripped.Set(GRPC_ARG_SERVER_URI, "static:///");
  }
  return stripped;
}

bool HaveHealthWatch(const ChannelArgs& subchannel_args) {
  return subchannel_args.Contains(kHealthCheckServiceArg);
}

ChannelArgs ArgsOfConnection(const ChannelArgs& subchannel_args, int number) {
  return number == 0 ? subchannel_args
                     : subchannel_args.Set(kConnectionNumberArg, number);
}

std::string AddressText(const grpc_resolved_address& address) {
  sockaddr_in ipv4;
  if (address.len == sizeof(ipv4)) {
    memcpy(&ipv4, address.addr, sizeof(ipv4));
    if (ipv4.sin_family == AF_INET) {
      // Writes the same text as core in a fifth of the time, which counts for
      // lists of thousands of addresses.
      const uint32_t ip = ntohl(ipv4.sin_addr.s_addr);
      return absl::StrCat(ip >> 24, ".", ip >> 16 & 0xFF, ".", ip >> 8 & 0xFF,
                          ".", ip & 0xFF, ":", ntohs(ipv4.sin_port));
    }
  }
  // Core writes only the path of a socket, which looks like a host name.
  const auto* any = reinterpret_cast<const sockaddr*>(address.addr);
  auto text = any->sa_family == AF_UNIX
                  ? grpc_sockaddr_to_uri(&address)
                  : grpc_sockaddr_to_string(&address, /*normalize=*/true);
  return text.ok() ? *text : "unprintable address";
}

void AddressKeys::Add(const core::Address& address) {
  const grpc_resolved_address& raw = address.address();
  text_.append(raw.addr, raw.len);
  const auto* endpoint = core::AttachedTo<Endpoint>(address);
  if (endpoint != nullptr) {
    absl::StrAppend(&text_, "|", (*endpoint)->host, ":", (*endpoint)->port);
  }
  ends_.push_back(text_.size());
}

absl::string_view AddressKeys::operator[](size_t index) const {
  const size_t begin = index == 0 ? 0 : ends_[index - 1];
  return absl::string_view(text_).substr(begin, ends_[index] - begin);
}

namespace {

// Makes an endpoint from the address of a resolver of another library.
Endpoint EndpointOfForeign(const core::Address& address) {
  const std::string text = AddressText(address.address());
  auto parsed = Endpoint::Parse(text);
  Endpoint endpoint = parsed.ok() ? *std::move(parsed) : Endpoint::Of(text, 0);
  const absl::optional<uint32_t> weight = core::WeightOf(address);
  if (weight.has_value()) endpoint.weight = *weight;
  return endpoint;
}

}  // namespace

std::string AuthorityOf(const core::Address& address,
                        const grpc_core::ChannelArgs& channel,
                        absl::string_view of_target) {
  for (const auto* args : {&channel, &address.args()}) {
    const auto authority = args->GetString(GRPC_ARG_DEFAULT_AUTHORITY);
    if (authority.has_value()) return std::string(*authority);
  }
  return std::string(of_target);
}

std::vector<std::shared_ptr<const Endpoint>> EndpointsOf(
    const core::AddressList& addresses,
    const std::vector<BackendConfig>& backends) {
  std::vector<std::shared_ptr<const Endpoint>> endpoints;
  endpoints.reserve(addresses.size());
  for (const core::Address& address : addresses) {
    const auto* endpoint = core::AttachedTo<Endpoint>(address);
    endpoints.push_back(endpoint != nullptr ? *endpoint
                                            : std::make_shared<const Endpoint>(
                                                  EndpointOfForeign(address)));
  }
  if (backends.empty()) return endpoints;
  EndpointList plain;
  plain.reserve(endpoints.size());
  for (const auto& endpoint : endpoints) plain.push_back(*endpoint);
  plain = ApplyBackendConfigs(std::move(plain), backends);
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] != *endpoints[i]) {
      endpoints[i] = std::make_shared<const Endpoint>(std::move(plain[i]));
    }
  }
  return endpoints;
}

}  // namespace multi_backend

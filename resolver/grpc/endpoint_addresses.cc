#include "multi_backend/resolver/grpc/endpoint_addresses.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/port/address_attribute.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::ServerAddress;
using grpc_core::ServerAddressList;

// A host name without an answer must not delay the others for c-ares' own two
// minutes.
constexpr int kHostQueryTimeoutMs = 5000;

void AddAddress(const grpc_resolved_address& address, const ChannelArgs& args,
                const std::shared_ptr<const Endpoint>& endpoint,
                ServerAddressList& list) {
  std::map<const char*, std::unique_ptr<ServerAddress::AttributeInterface>>
      attributes;
  attributes[AddressAttribute<Endpoint>::Key()] =
      std::make_unique<AddressAttribute<Endpoint>>(endpoint);
  list.emplace_back(address, args, std::move(attributes));
}

}  // namespace

// Passes a child resolver's answers on.  A resolver reports nothing after it
// was shut down, so the owner outlives every call.
class EndpointAddresses::HostResultHandler final
    : public grpc_core::Resolver::ResultHandler {
 public:
  HostResultHandler(EndpointAddresses* owner, std::string name)
      : owner_(owner), name_(std::move(name)) {}

  void ReportResult(grpc_core::Resolver::Result result) override {
    auto it = owner_->hosts_.find(name_);
    if (it == owner_->hosts_.end()) return;
    Host& host = it->second;
    host.answered = true;
    host.error = result.addresses.status();
    if (result.addresses.ok()) {
      if (result.addresses->empty()) {
        host.error =
            absl::UnavailableError(absl::StrCat("no addresses for ", name_));
      } else {
        host.addresses = *std::move(result.addresses);
      }
    }
    // Core asks again, with backoff, after an error.
    if (result.result_health_callback != nullptr) {
      result.result_health_callback(host.error);
    }
    owner_->args_.on_change();
  }

 private:
  EndpointAddresses* const owner_;
  const std::string name_;
};

EndpointAddresses::EndpointAddresses(Args args)
    : args_(std::move(args)),
      endpoints_(std::make_shared<const EndpointList>()) {}

EndpointAddresses::~EndpointAddresses() = default;

void EndpointAddresses::SetEndpointsLocked(
    std::shared_ptr<const EndpointList> endpoints, bool names_are_configured) {
  endpoints_ = std::move(endpoints);
  names_are_configured_ = names_are_configured;
  std::set<std::string> wanted;
  for (const Endpoint& endpoint : *endpoints_) {
    if (!endpoint.is_ip()) wanted.insert(endpoint.address());
  }
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    it = wanted.count(it->first) > 0 ? std::next(it) : hosts_.erase(it);
  }
  for (const std::string& name : wanted) {
    if (hosts_.count(name) == 0) StartHostLocked(name);
  }
}

void EndpointAddresses::StartHostLocked(const std::string& name) {
  Host& host = hosts_[name];
  host.resolver =
      grpc_core::CoreConfiguration::Get().resolver_registry().CreateResolver(
          absl::StrCat("dns:///", name),
          args_.channel_args.SetIfUnset(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS,
                                        kHostQueryTimeoutMs),
          args_.pollset_set, args_.work_serializer,
          std::make_unique<HostResultHandler>(this, name));
  if (host.resolver == nullptr) {
    host.answered = true;
    host.error = absl::InvalidArgumentError(
        absl::StrCat("core has no DNS resolver for ", name));
    return;
  }
  host.resolver->StartLocked();
}

bool EndpointAddresses::CompleteLocked() const {
  for (const auto& host : hosts_) {
    if (!host.second.answered) return false;
  }
  return true;
}

ServerAddressList EndpointAddresses::AddressesLocked() const {
  ServerAddressList list;
  list.reserve(endpoints_->size());
  for (const Endpoint& plain : *endpoints_) {
    // Shares the storage of the list: one reference for each address, no copy.
    const std::shared_ptr<const Endpoint> endpoint(endpoints_, &plain);
    if (plain.is_ip()) {
      auto address = grpc_core::StringToSockaddr(plain.address());
      if (address.ok()) AddAddress(*address, ChannelArgs(), endpoint, list);
      continue;
    }
    auto host = hosts_.find(plain.address());
    if (host == hosts_.end()) continue;
    ChannelArgs args;
    if (names_are_configured_) {
      args = args.Set(GRPC_ARG_DEFAULT_AUTHORITY, plain.address());
    }
    for (const ServerAddress& address : host->second.addresses) {
      AddAddress(address.address(), args, endpoint, list);
    }
  }
  return list;
}

std::string EndpointAddresses::ProblemsLocked() const {
  std::string problems;
  for (const auto& host : hosts_) {
    if (host.second.error.ok()) continue;
    absl::StrAppend(&problems, problems.empty() ? "" : "; ", host.first, ": ",
                    host.second.error.message());
  }
  return problems;
}

void EndpointAddresses::RequestReresolutionLocked() {
  for (auto& host : hosts_) {
    if (host.second.resolver != nullptr) {
      host.second.resolver->RequestReresolutionLocked();
    }
  }
}

void EndpointAddresses::ResetBackoffLocked() {
  for (auto& host : hosts_) {
    if (host.second.resolver != nullptr) {
      host.second.resolver->ResetBackoffLocked();
    }
  }
}

}  // namespace multi_backend

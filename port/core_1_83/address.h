// Addresses, as they pass from resolvers to the LB policy.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_ADDRESS_H_
#define MULTI_BACKEND_PORT_CORE_1_83_ADDRESS_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

// One socket address with the args of its subchannels: address(), args(), ==.
using Address = grpc_core::EndpointAddresses;
using AddressList = grpc_core::EndpointAddressesList;

// What the functions below attach to an address.  Core leaves args with this
// prefix out when it compares connections.
template <typename T>
class AttachedValue final : public grpc_core::RefCounted<AttachedValue<T>> {
 public:
  static absl::string_view ChannelArgName() {
    return GRPC_ARG_NO_SUBCHANNEL_PREFIX "multi_backend.attached_value";
  }
  static int ChannelArgsCompare(const AttachedValue* a,
                                const AttachedValue* b) {
    if (a->value_ == b->value_ || *a->value_ == *b->value_) return 0;
    return a->value_ < b->value_ ? -1 : 1;
  }

  explicit AttachedValue(std::shared_ptr<const T> value)
      : value_(std::move(value)) {}

  const std::shared_ptr<const T>& value() const { return value_; }

 private:
  const std::shared_ptr<const T> value_;
};

// Returns an address to which `value` is attached.  `T` has operator==, by
// which addresses are compared.  Copies of the address share the value.  The
// value does not keep equal addresses of two channels from sharing a
// connection.
template <typename T>
Address MakeAddress(const grpc_resolved_address& address,
                    const grpc_core::ChannelArgs& args,
                    std::shared_ptr<const T> value) {
  return Address(address,
                 args.SetObject(grpc_core::MakeRefCounted<AttachedValue<T>>(
                     std::move(value))));
}

// The value attached to `address`; null when there is none.
template <typename T>
const std::shared_ptr<const T>* AttachedTo(const Address& address) {
  const auto* attached = address.args().GetObject<AttachedValue<T>>();
  return attached == nullptr ? nullptr : &attached->value();
}

// The args in which two connections to the address may differ: without what is
// attached.
inline grpc_core::ChannelArgs ConnectionArgs(const Address& address) {
  return address.args().RemoveAllKeysWithPrefix(GRPC_ARG_NO_SUBCHANNEL_PREFIX);
}

// The weight that a resolver of core has given the address, as xDS does.
inline absl::optional<uint32_t> WeightOf(const Address& address) {
  const auto weight = address.args().GetInt(GRPC_ARG_ADDRESS_WEIGHT);
  if (!weight.has_value() || *weight < 0) return absl::nullopt;
  return static_cast<uint32_t>(*weight);
}

// Adds each address of `endpoint` to `list`, as an endpoint of its own.
inline void AppendAddresses(const Address& endpoint, AddressList& list) {
  for (const grpc_resolved_address& address : endpoint.addresses()) {
    list.emplace_back(address, endpoint.args());
  }
}

// The list of a policy's update.  An endpoint with several addresses becomes
// several addresses.
inline absl::StatusOr<AddressList> TakeAddresses(
    grpc_core::LoadBalancingPolicy::UpdateArgs& args) {
  if (!args.addresses.ok()) return args.addresses.status();
  AddressList list;
  (*args.addresses)->ForEach([&list](const Address& endpoint) {
    AppendAddresses(endpoint, list);
  });
  return list;
}

// The same for what a resolver reports, and the way back.
inline absl::StatusOr<AddressList> TakeAddresses(
    grpc_core::Resolver::Result& result) {
  if (!result.addresses.ok()) return result.addresses.status();
  AddressList list;
  for (const Address& endpoint : *result.addresses) {
    AppendAddresses(endpoint, list);
  }
  return list;
}
inline void SetAddresses(grpc_core::Resolver::Result& result,
                         absl::StatusOr<AddressList> addresses) {
  result.addresses = std::move(addresses);
}
// How many addresses the result has, or why it has no list.
inline absl::StatusOr<size_t> CountAddresses(
    const grpc_core::Resolver::Result& result) {
  if (!result.addresses.ok()) return result.addresses.status();
  size_t count = 0;
  for (const Address& endpoint : *result.addresses) {
    count += endpoint.addresses().size();
  }
  return count;
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_83_ADDRESS_H_

// Addresses, as they pass from resolvers to the LB policy.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_ADDRESS_H_
#define MULTI_BACKEND_PORT_CORE_1_51_ADDRESS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "multi_backend/port/core_1_51/headers.h"

namespace multi_backend {
namespace core {

// One socket address with the args of its subchannels: address(), args(), ==.
using Address = grpc_core::ServerAddress;
using AddressList = grpc_core::ServerAddressList;

// What the functions below attach to an address.
template <typename T>
class AttachedValue final
    : public grpc_core::ServerAddress::AttributeInterface {
 public:
  // Core compares the keys of attributes by pointer, not by content, so each
  // `T` has its own key.
  static const char* Key() {
    static const char kKey[] = "multi_backend.attached_value";
    return kKey;
  }

  explicit AttachedValue(std::shared_ptr<const T> value)
      : value_(std::move(value)) {}

  const std::shared_ptr<const T>& value() const { return value_; }
  std::unique_ptr<AttributeInterface> Copy() const override {
    return std::make_unique<AttachedValue>(value_);
  }
  int Cmp(const AttributeInterface* other) const override {
    const auto& theirs = static_cast<const AttachedValue*>(other)->value_;
    if (value_ == theirs || *value_ == *theirs) return 0;
    return value_ < theirs ? -1 : 1;
  }
  std::string ToString() const override {
    std::ostringstream text;
    text << *value_;
    return text.str();
  }

 private:
  const std::shared_ptr<const T> value_;
};

// Returns an address to which `value` is attached.  `T` has operator==, by
// which addresses are compared, and operator<<, for the texts that core logs.
// Copies of the address share the value.  The value does not keep equal
// addresses of two channels from sharing a connection.
template <typename T>
Address MakeAddress(const grpc_resolved_address& address,
                    const grpc_core::ChannelArgs& args,
                    std::shared_ptr<const T> value) {
  std::map<const char*, std::unique_ptr<Address::AttributeInterface>>
      attributes;
  attributes[AttachedValue<T>::Key()] =
      std::make_unique<AttachedValue<T>>(std::move(value));
  return Address(address, args, std::move(attributes));
}

// The value attached to `address`; null when there is none.
template <typename T>
const std::shared_ptr<const T>* AttachedTo(const Address& address) {
  const auto* attached = static_cast<const AttachedValue<T>*>(
      address.GetAttribute(AttachedValue<T>::Key()));
  return attached == nullptr ? nullptr : &attached->value();
}

// The args in which two connections to the address may differ: without what is
// attached.
inline const grpc_core::ChannelArgs& ConnectionArgs(const Address& address) {
  return address.args();
}

// The weight that a resolver of core has given the address, as xDS does.
inline absl::optional<uint32_t> WeightOf(const Address& address) {
  using Weight = grpc_core::ServerAddressWeightAttribute;
  const auto* weight = static_cast<const Weight*>(
      address.GetAttribute(Weight::kServerAddressWeightAttributeKey));
  if (weight == nullptr) return absl::nullopt;
  return weight->weight();
}

// The list of a policy's update.  An endpoint with several addresses becomes
// several addresses.
inline absl::StatusOr<AddressList> TakeAddresses(
    grpc_core::LoadBalancingPolicy::UpdateArgs& args) {
  return std::move(args.addresses);
}

// The same for what a resolver reports, and the way back.
inline absl::StatusOr<AddressList> TakeAddresses(
    grpc_core::Resolver::Result& result) {
  return std::move(result.addresses);
}
inline void SetAddresses(grpc_core::Resolver::Result& result,
                         absl::StatusOr<AddressList> addresses) {
  result.addresses = std::move(addresses);
}
// How many addresses the result has, or why it has no list.
inline absl::StatusOr<size_t> CountAddresses(
    const grpc_core::Resolver::Result& result) {
  if (!result.addresses.ok()) return result.addresses.status();
  return result.addresses->size();
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_1_51_ADDRESS_H_

// AddressAttribute<T>: an immutable value that a resolver attaches to an
// address and that the LB policy reads from it.
//
// Requires: `T` has operator==, and an operator<<, which prints the value in
// the texts that core logs.
//
// Cost: copies of the attribute share the value.
#ifndef MULTI_BACKEND_PORT_ADDRESS_ATTRIBUTE_H_
#define MULTI_BACKEND_PORT_ADDRESS_ATTRIBUTE_H_

#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "multi_backend/port/core.h"

namespace multi_backend {

template <typename T>
class AddressAttribute final
    : public grpc_core::ServerAddress::AttributeInterface {
 public:
  // Core compares attribute keys by pointer, not by content, so each `T` has
  // its own key.
  static const char* Key() {
    static const char kKey[] = "multi_backend.address_attribute";
    return kKey;
  }

  // Returns the value that `address` carries, or null when it has none.
  static const std::shared_ptr<const T>* Of(
      const grpc_core::ServerAddress& address) {
    const auto* attribute =
        static_cast<const AddressAttribute*>(address.GetAttribute(Key()));
    return attribute == nullptr ? nullptr : &attribute->value_;
  }

  explicit AddressAttribute(std::shared_ptr<const T> value)
      : value_(std::move(value)) {}

  std::unique_ptr<AttributeInterface> Copy() const override {
    return std::make_unique<AddressAttribute>(value_);
  }
  int Cmp(const AttributeInterface* other) const override {
    const auto& theirs = static_cast<const AddressAttribute*>(other)->value_;
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

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_ADDRESS_ATTRIBUTE_H_

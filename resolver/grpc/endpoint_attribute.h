// EndpointAttribute: an Endpoint's role, weight, … riding on core's address
// from our resolver to our LB policy.  Immutable, shared between copies.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ATTRIBUTE_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ATTRIBUTE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

class EndpointAttribute final
    : public grpc_core::ServerAddress::AttributeInterface {
 public:
  // Core compares attribute keys by address, not by content.
  static const char* Key() {
    static const char kKey[] = "multi_backend.endpoint";
    return kKey;
  }

  explicit EndpointAttribute(std::shared_ptr<const Endpoint> endpoint)
      : endpoint_(std::move(endpoint)) {}

  const std::shared_ptr<const Endpoint>& endpoint() const { return endpoint_; }

  std::unique_ptr<AttributeInterface> Copy() const override {
    return std::make_unique<EndpointAttribute>(endpoint_);
  }
  int Cmp(const AttributeInterface* other) const override {
    const auto& theirs =
        static_cast<const EndpointAttribute*>(other)->endpoint_;
    if (endpoint_ == theirs || *endpoint_ == *theirs) return 0;
    return endpoint_ < theirs ? -1 : 1;
  }
  std::string ToString() const override {
    return absl::StrCat("{endpoint=", endpoint_->address(),
                        " weight=", endpoint_->weight,
                        " role=", endpoint_->role, "}");
  }

 private:
  std::shared_ptr<const Endpoint> endpoint_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ENDPOINT_ATTRIBUTE_H_

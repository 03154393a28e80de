// CallRouting: the routes and the sticky-key header of a service config, for
// calls that no interceptor has labelled.
//
// Immutable and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/route_table.h"
#include "multi_backend/port/core_api.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class CallRouting {
 public:
  // INVALID_ARGUMENT for a bad pattern or role.  `stickyKey.requestField` is
  // refused without an interceptor, because only an interceptor sees the
  // request.
  static absl::StatusOr<std::unique_ptr<const CallRouting>> Make(
      const RoutingConfig& config, bool has_interceptor);

  // The label for a call of `full_method` with this metadata.  Its views are
  // valid as long as this object.
  CallLabel LabelOf(absl::string_view full_method,
                    const grpc_metadata_batch& metadata) const;

 private:
  CallRouting(std::unique_ptr<const RouteTable> routes,
              std::string sticky_header)
      : routes_(std::move(routes)), sticky_header_(std::move(sticky_header)) {}

  const std::unique_ptr<const RouteTable> routes_;
  const std::string sticky_header_;  // "" = no sticky key from a header.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_

// CallRouting: the routes and the sticky key of a service config, for what no
// interceptor has decided about a call.
//
// Immutable and thread-safe.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_
#define MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptors/route_table.h"
#include "multi_backend/interceptors/sticky_key_source.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class CallRouting {
 public:
  // `keys` is the channel's source of sticky keys; may be null.
  // INVALID_ARGUMENT for a bad pattern or role, and for a
  // `stickyKey.requestField` that nobody would read, because only an
  // interceptor sees the request.
  static absl::StatusOr<std::unique_ptr<const CallRouting>> Make(
      const RoutingConfig& config, std::shared_ptr<const StickyKeySource> keys);

  struct Decision {
    CallLabel label;
    // Null when an interceptor has decided the route.
    const RouteDecision* route = nullptr;
    uint64_t method_hash = 0;  // As in RouteMatch.
  };
  // Decides on a call of `full_method` with this metadata.  `labelled` is what
  // an interceptor has decided; the rest is decided here.  `key` is the value
  // of the only entry named sticky_header(), if the caller has come across it.
  // If it is null, the header is looked up.  The views of the result point into
  // `labelled` or into this object.
  Decision Decide(absl::string_view full_method,
                  const grpc_metadata_batch& metadata,
                  const absl::optional<CallLabel>& labelled,
                  const grpc_core::Slice* key) const;

  // The header that has the sticky key; "" for none.
  const std::string& sticky_header() const { return sticky_header_; }

  // The routes, which an observer may keep for longer.
  const std::shared_ptr<const RouteTable>& routes() const { return routes_; }

 private:
  CallRouting(std::shared_ptr<const RouteTable> routes,
              std::shared_ptr<const StickyKeySource> keys,
              std::string sticky_header)
      : routes_(std::move(routes)),
        keys_(std::move(keys)),
        sticky_header_(std::move(sticky_header)) {}

  bool reads_keys() const {
    return keys_ != nullptr || !sticky_header_.empty();
  }
  // Requires reads_keys().
  absl::optional<uint64_t> KeyHash(absl::string_view full_method,
                                   const grpc_metadata_batch& metadata,
                                   const grpc_core::Slice* key) const;

  const std::shared_ptr<const RouteTable> routes_;  // Never null.
  // Null unless the application's function is called here.
  const std::shared_ptr<const StickyKeySource> keys_;
  const std::string sticky_header_;  // "" = no sticky key from a header.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_CALL_ROUTING_H_

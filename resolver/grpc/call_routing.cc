#include "multi_backend/resolver/grpc/call_routing.h"

#include "absl/memory/memory.h"
#include "absl/types/optional.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {

absl::StatusOr<std::unique_ptr<const CallRouting>> CallRouting::Make(
    const RoutingConfig& config, bool has_interceptor) {
  auto routes = RouteTable::Make(config);
  if (!routes.ok()) return routes.status();
  std::string header;
  if (config.sticky_key.has_value()) {
    header = config.sticky_key->header;
    if (header.empty() && !has_interceptor) {
      FieldErrors errors;
      errors.Add("stickyKey.requestField",
                 "only an interceptor sees the request: make the channel with "
                 "multi_backend::CreateChannel, or give the field to "
                 "MakeInterceptorFactory and leave it out here");
      return errors.ToStatus();
    }
  }
  return absl::WrapUnique<const CallRouting>(
      new CallRouting(*std::move(routes), std::move(header)));
}

CallLabel CallRouting::LabelOf(absl::string_view full_method,
                               const grpc_metadata_batch& metadata) const {
  CallLabel label = routes_->Find(full_method)->label;
  if (sticky_header_.empty()) return label;
  std::string buffer;
  const absl::optional<absl::string_view> key =
      metadata.GetStringValue(sticky_header_, &buffer);
  if (key.has_value() && !key->empty()) label.key_hash = HashStickyKey(*key);
  return label;
}

}  // namespace multi_backend

#include "multi_backend/resolver/grpc/call_routing.h"

#include <list>

#include "absl/memory/memory.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

absl::Status RequestFieldWithoutReader() {
  FieldErrors errors;
  errors.Add("stickyKey.requestField",
             "only an interceptor sees the request, and this channel was made "
             "without one that reads it: give the field to "
             "multi_backend::CreateChannel in the channel's own service "
             "config, or give it to MakeInterceptorFactory and leave it out "
             "here");
  return errors.ToStatus();
}

// A call in the config selector, which does not see its request.
class SelectedCall final : public CallView {
 public:
  SelectedCall(absl::string_view full_method,
               const grpc_metadata_batch& metadata)
      : CallView(full_method), metadata_(metadata) {}

  absl::optional<absl::string_view> GetMetadata(
      absl::string_view key) const override {
    buffers_.emplace_back();
    return metadata_.GetStringValue(key, &buffers_.back());
  }

  absl::optional<absl::string_view> serialized_request() const override {
    return absl::nullopt;
  }

 private:
  const grpc_metadata_batch& metadata_;
  // Core puts some values together; they must live as long as the view.
  mutable std::list<std::string> buffers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const CallRouting>> CallRouting::Make(
    const RoutingConfig& config, std::shared_ptr<const StickyKeySource> keys) {
  auto routes = RouteTable::Make(config);
  if (!routes.ok()) return routes.status();
  const bool has_function = keys != nullptr && keys->function() != nullptr;
  const bool has_interceptor =
      keys != nullptr &&
      keys->reader() == StickyKeySource::Reader::kInterceptor;
  std::string header;
  if (config.sticky_key.has_value() && !has_function) {
    header = config.sticky_key->header;
    if (header.empty() && !has_interceptor) return RequestFieldWithoutReader();
  }
  // An interceptor has called the function by now.
  if (!has_function || has_interceptor) keys = nullptr;
  return absl::WrapUnique<const CallRouting>(
      new CallRouting(*std::move(routes), std::move(keys), std::move(header)));
}

CallRouting::Decision CallRouting::Decide(
    absl::string_view full_method, const grpc_metadata_batch& metadata,
    const absl::optional<CallLabel>& labelled,
    const grpc_core::Slice* key) const {
  Decision decision;
  CallLabel& label = decision.label;
  if (labelled.has_value() && labelled->route_decided) {
    label = *labelled;
  } else {
    const RouteMatch match = routes_->Match(full_method);
    decision.route = match.decision;
    decision.method_hash = match.method_hash;
    label = match.decision->label;
  }
  if (labelled.has_value() && labelled->key_decided) {
    label.key_hash = labelled->key_hash;
  } else if (reads_keys()) {
    label.key_hash = KeyHash(full_method, metadata, key);
  }
  return decision;
}

absl::optional<uint64_t> CallRouting::KeyHash(
    absl::string_view full_method, const grpc_metadata_batch& metadata,
    const grpc_core::Slice* key) const {
  if (keys_ != nullptr) {
    return HashOfKey(keys_->function()(SelectedCall(full_method, metadata)));
  }
  if (key != nullptr) {
    return HashOfKey(absl::make_optional(key->as_string_view()));
  }
  std::string buffer;
  return HashOfKey(metadata.GetStringValue(sticky_header_, &buffer));
}

}  // namespace multi_backend

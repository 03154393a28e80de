#include "multi_backend/resolver/grpc/config_selector.h"

#include <cstring>
#include <string>

#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/filters/answer_filter.h"

namespace multi_backend {
namespace {

// Removes the label from `metadata`.  nullopt when there is none, or when it
// lacks this process's tag; such a value is ignored, but is removed, too.
absl::optional<CallLabel> TakeLabel(grpc_metadata_batch* metadata,
                                    grpc_core::Arena* arena) {
  std::string buffer;
  const absl::optional<absl::string_view> value =
      metadata->GetStringValue(kCallLabelKey, &buffer);
  if (!value.has_value()) return absl::nullopt;
  // The label's views must outlive the metadata they are taken from.
  auto* copy = static_cast<char*>(arena->Alloc(value->size()));
  memcpy(copy, value->data(), value->size());
  metadata->Remove(kCallLabelKey);
  return DecodeCallLabel(absl::string_view(copy, value->size()));
}

}  // namespace

bool RouteConfigSelector::Equals(const grpc_core::ConfigSelector* other) const {
  return service_config_->json_string() ==
         static_cast<const RouteConfigSelector*>(other)
             ->service_config_->json_string();
}

std::vector<const grpc_channel_filter*> RouteConfigSelector::GetFilters() {
  return {&kAnswerFilter};
}

grpc_core::ConfigSelector::CallConfig RouteConfigSelector::GetCallConfig(
    GetCallConfigArgs args) {
  auto* context = args.arena->New<CallContext>(args.arena, retry_state_);
  // The slice lives as long as the call.
  context->method = grpc_core::StringViewFromSlice(*args.path);
  const absl::optional<CallLabel> label =
      TakeLabel(args.initial_metadata, args.arena);
  context->label =
      routing_->LabelOf(context->method, *args.initial_metadata, label);
  context->deadline =
      args.initial_metadata->get(grpc_core::GrpcTimeoutMetadata())
          .value_or(grpc_core::Timestamp::InfFuture());
  CallConfig config;
  config.method_configs =
      service_config_->GetMethodParsedConfigVector(*args.path);
  context->has_method_retry_policy =
      !own_retry_.empty() && own_retry_.contains(config.method_configs);
  if (context->label.retry == RetryMode::kNever && never_ != nullptr) {
    config.method_configs = never_->GetMethodParsedConfigVector(*args.path);
  }
  config.service_config = service_config_;
  config.call_attributes.emplace(CallContext::Type(), context->AsAttribute());
  config.call_dispatch_controller = context;
  return config;
}

}  // namespace multi_backend

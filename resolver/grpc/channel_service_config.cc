#include "multi_backend/resolver/grpc/channel_service_config.h"

#include <utility>

#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/resolver/grpc/chosen_policy.h"

namespace multi_backend {

using grpc_core::Json;

ChannelServiceConfig::ChannelServiceConfig(absl::string_view text)
    : ChannelServiceConfig(text, Json::Parse(text)) {}

ChannelServiceConfig::ChannelServiceConfig(absl::string_view text,
                                           absl::StatusOr<Json> json)
    : text_(text), json_(std::move(json)), parsed_(ParsedConfigs().Get(text)) {
  if (!json_.ok() || !parsed_.ok()) return;
  // Core passes only the policy's part to the policy factory, which finds the
  // parsed one by its text in core's form.
  const Json* policy = PolicyEntry(*json_);
  ParsedConfigs().AddPolicy(policy == nullptr ? "{}" : policy->Dump(),
                            std::shared_ptr<const PolicyConfig>(
                                *parsed_, &(*parsed_)->config.policy));
}

}  // namespace multi_backend

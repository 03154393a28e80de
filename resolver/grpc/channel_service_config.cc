#include "multi_backend/resolver/grpc/channel_service_config.h"

#include "multi_backend/call/grpc/parsed_configs.h"
#include "multi_backend/port/core.h"
#include "multi_backend/proto/service_config/read.h"

namespace multi_backend {

ChannelServiceConfig::ChannelServiceConfig(absl::string_view text)
    : text_(text),
      object_(ReadServiceConfig(text_)),
      parsed_(ParsedConfigs().Get(text)) {
  if (!object_.ok() || !parsed_.ok()) return;
  // Core passes only the policy's part to the policy factory, which finds the
  // parsed one by its text in core's form.
  const JsonValue policy = PolicyEntry(*object_);
  ParsedConfigs().AddPolicy(
      policy.text().empty() ? "{}" : core::CoresFormOf(policy.text()),
      std::shared_ptr<const PolicyConfig>(*parsed_,
                                          &(*parsed_)->config.policy));
}

}  // namespace multi_backend

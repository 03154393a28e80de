// ParsedConfigs: the ConfigCache that all channels of the process share.  It
// logs the warnings of each service config once, on every way to make a
// channel.
#ifndef MULTI_BACKEND_CALL_GRPC_PARSED_CONFIGS_H_
#define MULTI_BACKEND_CALL_GRPC_PARSED_CONFIGS_H_

#include "multi_backend/proto/config/parser/config_cache.h"

namespace multi_backend {

// Never destroyed, because channels may be made until the process ends.
ConfigCache& ParsedConfigs();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_PARSED_CONFIGS_H_

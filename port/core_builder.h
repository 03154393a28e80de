// CoreBuilder: core's configuration builder under a name that can be declared
// without core's headers.
#ifndef MULTI_BACKEND_PORT_CORE_BUILDER_H_
#define MULTI_BACKEND_PORT_CORE_BUILDER_H_

#include "multi_backend/port/core_api.h"

namespace multi_backend {

struct CoreBuilder {
  grpc_core::CoreConfiguration::Builder* builder;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_BUILDER_H_

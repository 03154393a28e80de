// CoreBuilder: wraps core's configuration builder in a struct that other
// headers can declare without including core's headers.  The builder is not
// owned.
#ifndef MULTI_BACKEND_PORT_CORE_BUILDER_H_
#define MULTI_BACKEND_PORT_CORE_BUILDER_H_

#include "multi_backend/port/core.h"

namespace multi_backend {

struct CoreBuilder {
  grpc_core::CoreConfiguration::Builder* builder;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_BUILDER_H_

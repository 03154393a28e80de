// What the adapters (*/grpc) include of gRPC's core: its classes, and in
// namespace core the concepts whose form differs between gRPC's releases.
//
// port/README.md says what each concept promises.  A folder port/core_<release>
// implements them.
#ifndef MULTI_BACKEND_PORT_CORE_H_
#define MULTI_BACKEND_PORT_CORE_H_

#include "multi_backend/port/core_1_51/service_config.h"
#include "multi_backend/port/core_api.h"

#endif  // MULTI_BACKEND_PORT_CORE_H_

// The concepts of port/README.md with gRPC 1.83 behind them.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_CORE_H_
#define MULTI_BACKEND_PORT_CORE_1_83_CORE_H_

#include "multi_backend/port/core_1_83/address.h"
#include "multi_backend/port/core_1_83/call.h"
#include "multi_backend/port/core_1_83/channel.h"
#include "multi_backend/port/core_1_83/filter.h"
#include "multi_backend/port/core_1_83/headers.h"
#include "multi_backend/port/core_1_83/registration.h"
#include "multi_backend/port/core_1_83/scope.h"
#include "multi_backend/port/core_1_83/selector.h"
#include "multi_backend/port/core_1_83/service_config.h"
#include "multi_backend/port/core_1_83/tracker.h"

#endif  // MULTI_BACKEND_PORT_CORE_1_83_CORE_H_

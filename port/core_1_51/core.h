// The concepts of port/README.md with gRPC 1.51 behind them.
#ifndef MULTI_BACKEND_PORT_CORE_1_51_CORE_H_
#define MULTI_BACKEND_PORT_CORE_1_51_CORE_H_

#include "multi_backend/port/core_1_51/address.h"
#include "multi_backend/port/core_1_51/call.h"
#include "multi_backend/port/core_1_51/channel.h"
#include "multi_backend/port/core_1_51/filter.h"
#include "multi_backend/port/core_1_51/headers.h"
#include "multi_backend/port/core_1_51/registration.h"
#include "multi_backend/port/core_1_51/scope.h"
#include "multi_backend/port/core_1_51/selector.h"
#include "multi_backend/port/core_1_51/service_config.h"
#include "multi_backend/port/core_1_51/tracker.h"

#endif  // MULTI_BACKEND_PORT_CORE_1_51_CORE_H_

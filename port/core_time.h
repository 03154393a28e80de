// CoreMillis(): core's time since the process started, which
// core caches while a thread is inside core.  Thread-safe.
#ifndef MULTI_BACKEND_PORT_CORE_TIME_H_
#define MULTI_BACKEND_PORT_CORE_TIME_H_

#include <cstdint>

#include "multi_backend/port/core.h"

namespace multi_backend {

inline int64_t CoreMillis() {
  return static_cast<int64_t>(
      grpc_core::Timestamp::Now().milliseconds_after_process_epoch());
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CORE_TIME_H_

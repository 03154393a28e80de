// IsInCore() and RunLater(): for a thread that core may be running.
#ifndef MULTI_BACKEND_PORT_RUN_LATER_H_
#define MULTI_BACKEND_PORT_RUN_LATER_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "multi_backend/port/core.h"

namespace multi_backend {
namespace core {

// Whether this thread is in core, so that RunLater() has an effect.
inline bool IsInCore() { return grpc_core::ExecCtx::Get() != nullptr; }

// Runs `function` on this thread once core holds no locks.  Requires
// IsInCore().
inline void RunLater(std::function<void()> function) {
  grpc_core::ExecCtx::Run(
      DEBUG_LOCATION,
      grpc_core::NewClosure([function = std::move(function)](
                                const grpc_error_handle&) { function(); }),
      absl::OkStatus());
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_RUN_LATER_H_

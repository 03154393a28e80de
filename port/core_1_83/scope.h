// CoreScope: lets a thread of the library, or of the event engine, enter core.
#ifndef MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_
#define MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_

#include <functional>
#include <utility>

#include "multi_backend/port/core_1_83/headers.h"

namespace multi_backend {
namespace core {

// Lives on the stack of a thread that is about to call core, for example to put
// work into a WorkSerializer.  What core has put off runs at its end.
class CoreScope {
 public:
  CoreScope() = default;
  CoreScope(const CoreScope&) = delete;
  CoreScope& operator=(const CoreScope&) = delete;

 private:
  grpc_core::ExecCtx exec_ctx_;
};

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

#endif  // MULTI_BACKEND_PORT_CORE_1_83_SCOPE_H_

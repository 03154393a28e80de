// IsInCore(), RunLater() and RunElsewhere(): for a thread that core may be
// running.
#ifndef MULTI_BACKEND_PORT_RUN_LATER_H_
#define MULTI_BACKEND_PORT_RUN_LATER_H_

#include <functional>
#include <memory>
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

// Runs `function` on a thread of `engine`, after this thread has run what core
// has queued so far and what that queues in turn.  Requires IsInCore().
inline void RunElsewhere(
    std::shared_ptr<grpc_event_engine::experimental::EventEngine> engine,
    std::function<void()> function) {
  auto run = [engine = std::move(engine), function = std::move(function)]() {
    engine->Run([function = function]() mutable {
      CoreScope scope;
      // Destroys what the function holds within the scope.
      std::exchange(function, nullptr)();
    });
  };
  RunLater([run = std::move(run)]() { RunLater(run); });
}

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_RUN_LATER_H_

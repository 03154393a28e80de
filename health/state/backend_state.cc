#include "multi_backend/health/state/backend_state.h"

namespace multi_backend {

absl::string_view StateName(BackendState state) {
  switch (state) {
    case BackendState::kAlive:
      return "ALIVE";
    case BackendState::kOverloaded:
      return "OVERLOADED";
    case BackendState::kDown:
      return "DOWN";
    case BackendState::kDownRetry:
      return "DOWN_RETRY";
  }
  return "UNKNOWN";
}

}  // namespace multi_backend

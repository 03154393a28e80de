// BackendState: the health of one backend, as HealthTracker judges it.
#ifndef MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_
#define MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

enum class BackendState {
  kAlive,
  kOverloaded,  // Answers, but says that it is overloaded.
  kDown,        // Gets no calls.
  kDownRetry,   // Gets one trial (call or probe) at a time.
};

// "ALIVE", "OVERLOADED", "DOWN", "DOWN_RETRY".
absl::string_view StateName(BackendState state);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_

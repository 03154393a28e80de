// BackendState: what is thought of one backend's health.
#ifndef MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_
#define MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

enum class BackendState {
  kAlive,
  kOverloaded,  // Answers, but says that it has too much to do.
  kDown,        // Gets no calls.
  kDownRetry,   // Gets one call or probe at a time, to see whether it is back.
};

// "ALIVE", "OVERLOADED", "DOWN", "DOWN_RETRY".
absl::string_view StateName(BackendState state);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_STATE_BACKEND_STATE_H_

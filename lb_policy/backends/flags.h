// The flags of a backend that picks read: bits of LoadStats::unusable_reasons
// and LoadStats::admission.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_

#include <cstdint>

#include "multi_backend/lb_policy/load_stats.h"

namespace multi_backend {

// Bits of LoadStats::unusable_reasons: the reasons why a backend must not be
// picked.
constexpr uint32_t kMarkedUnhealthy = 1;  // By the application.
constexpr uint32_t kUnhealthy = 2;        // By probes or calls.
constexpr uint32_t kOverloaded = 4;       // Only while another backend is not.
constexpr uint32_t kAtLimit = 8;          // It has maxRequestsPerBackend calls.
constexpr uint32_t kOnTrial = 16;         // The one trial call is running.
constexpr uint32_t kDraining = LoadStats::kKeysOnly;
constexpr uint32_t kKeysMoved = 64;  // Of a draining backend.

// Bits of LoadStats::admission: the backend may be picked, but not by every
// call.
constexpr uint32_t kTrialOpen = 1;   // The next call becomes the trial.
constexpr uint32_t kRamping = 2;     // Slow start.
constexpr uint32_t kTrialTaken = 4;  // Another call is the trial.

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_

// Registers HTTP probes, for `"health":{"active":{"probe":"HTTP"}}`.
#ifndef MULTI_BACKEND_HEALTH_PROBES_CURL_REGISTRATION_H_
#define MULTI_BACKEND_HEALTH_PROBES_CURL_REGISTRATION_H_

#include "absl/status/status.h"

namespace multi_backend {

// Channels that are made after this may ask for HTTP probes.  Idempotent,
// thread-safe; see ProbeRegistry::RegisterHttp().
absl::Status RegisterHttpProbe();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_CURL_REGISTRATION_H_

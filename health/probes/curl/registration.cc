#include "multi_backend/health/probes/curl/registration.h"

#include "multi_backend/health/probes/curl/probe.h"
#include "multi_backend/health/probes/registry.h"

namespace multi_backend {

absl::Status RegisterHttpProbe() {
  return ProbeRegistry::RegisterHttp(&MakeHttpProbeFactory);
}

}  // namespace multi_backend

// ProbeRegistry: the kinds of probes that a program has linked in addition to
// gRPC and TCP probes, which //:core contains.
//
// HTTP probes need libcurl, so they are in a target of their own, whose public
// function RegisterHttpProbe() adds them here.  A configuration that asks for a
// kind that is not linked is refused with a text that says what to add.
//
// Threads: any.  Never destroyed: safe before main() and during exit.
#ifndef MULTI_BACKEND_HEALTH_PROBES_REGISTRY_H_
#define MULTI_BACKEND_HEALTH_PROBES_REGISTRY_H_

#include <memory>

#include "absl/status/status.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

class ProbeRegistry {
 public:
  ProbeRegistry() = delete;

  using Maker =
      std::unique_ptr<ProbeFactory> (*)(const ActiveHealthConfig& config);

  // Idempotent.  ALREADY_EXISTS when another maker is registered.
  static absl::Status RegisterHttp(Maker make);

  // Null when HTTP probes are not linked.
  static Maker Http();
};

// INVALID_ARGUMENT, in the form of any other wrong field, when the
// configuration asks for a kind of probe that is not linked.
absl::Status CheckProbeIsLinked(const HealthConfig& config);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_REGISTRY_H_

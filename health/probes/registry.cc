#include "multi_backend/health/probes/registry.h"

#include <atomic>

#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

std::atomic<ProbeRegistry::Maker> http_maker{nullptr};

}  // namespace

absl::Status ProbeRegistry::RegisterHttp(Maker make) {
  Maker before = nullptr;
  if (http_maker.compare_exchange_strong(before, make) || before == make) {
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError("another HTTP probe is registered");
}

ProbeRegistry::Maker ProbeRegistry::Http() { return http_maker.load(); }

absl::Status CheckProbeIsLinked(const HealthConfig& config) {
  FieldErrors errors;
  if (config.active.has_value() && config.active->probe == ProbeKind::kHttp &&
      ProbeRegistry::Http() == nullptr) {
    errors.Add("health.active.probe",
               "HTTP is not linked: add @multi_backend//probes:http to the "
               "deps (in CMake, multi_backend::http_probe) and call "
               "multi_backend::RegisterHttpProbe() before the channel is made");
  }
  return errors.ToStatus();
}

}  // namespace multi_backend

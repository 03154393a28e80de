#include "multi_backend/proto/config/rules/health.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/rules/field_checks.h"

namespace multi_backend {
namespace {

// More frequent probes would be a load of their own.
constexpr absl::Duration kMinInterval = absl::Milliseconds(10);
constexpr int kMaxInARow = 1000;
constexpr int kMaxCallsInWindow = 1000000;
// At 0 every backend would always be ejected.
constexpr double kMinFailureShare = 0.01;
constexpr size_t kMaxPathSize = 1024;

// The option at `path`.`name` is for `owner` only.
void OnlyFor(absl::string_view owner, absl::string_view name,
             const std::string& path, FieldErrors* errors) {
  // The probe itself could not be read, so the owner is unknown.
  if (errors->IsUnreadable(FieldPath(path, "probe"))) return;
  errors->Add(FieldPath(path, name), absl::StrCat("only for probe ", owner));
}

// The path goes into a request line as it is, so it must not end that line.
void CheckRequestPath(absl::string_view value, const std::string& path,
                      FieldErrors* errors) {
  CheckSize(value, kMaxPathSize, path, errors);
  if (!absl::StartsWith(value, "/")) {
    errors->Add(path, "must begin with \"/\"");
  }
  for (char c : value) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) {
      errors->Add(path, "must be printable ASCII without spaces");
      return;
    }
  }
}

ProbeKind KindOf(config::v1::ActiveHealth::Probe probe) {
  switch (probe) {
    case config::v1::ActiveHealth::HTTP:
      return ProbeKind::kHttp;
    case config::v1::ActiveHealth::TCP:
      return ProbeKind::kTcp;
    default:
      return ProbeKind::kGrpc;
  }
}

// The options that only some kinds of probe have.
void ReadProbe(const config::v1::ActiveHealth& active, const std::string& path,
               ActiveHealthConfig* config, FieldErrors* errors) {
  config->probe = KindOf(active.probe());
  if (active.has_service()) {
    if (config->probe != ProbeKind::kGrpc) {
      OnlyFor("GRPC", "service", path, errors);
    }
    config->service = active.service();
    CheckSize(config->service, kMaxNameSize, FieldPath(path, "service"),
              errors);
  }
  if (active.has_unimplemented()) {
    if (config->probe != ProbeKind::kGrpc) {
      OnlyFor("GRPC", "unimplemented", path, errors);
    }
    config->unimplemented_is_healthy =
        active.unimplemented() == config::v1::ActiveHealth::HEALTHY;
  }
  if (active.has_path()) {
    if (config->probe != ProbeKind::kHttp) {
      OnlyFor("HTTP", "path", path, errors);
    }
    config->path = active.path();
    CheckRequestPath(config->path, FieldPath(path, "path"), errors);
  }
  if (active.has_port()) {
    if (config->probe == ProbeKind::kGrpc) {
      OnlyFor("HTTP or TCP", "port", path, errors);
    }
    config->port = static_cast<uint16_t>(
        CheckedInt(active.port(), 1, 65535, FieldPath(path, "port"), errors));
  }
}

ActiveHealthConfig ReadActive(const config::v1::ActiveHealth& active,
                              const std::string& path, FieldErrors* errors) {
  ActiveHealthConfig config;
  ReadProbe(active, path, &config, errors);
  if (active.has_interval()) {
    config.interval = CheckedDuration(active.interval(), kMinInterval,
                                      FieldPath(path, "interval"), errors);
  }
  if (active.has_timeout()) {
    config.timeout = CheckedDuration(active.timeout(), kMinDuration,
                                     FieldPath(path, "timeout"), errors);
  }
  if (active.has_unhealthy_after()) {
    config.unhealthy_after =
        CheckedInt(active.unhealthy_after(), 1, kMaxInARow,
                   FieldPath(path, "unhealthyAfter"), errors);
  }
  if (active.has_healthy_after()) {
    config.healthy_after = CheckedInt(active.healthy_after(), 1, kMaxInARow,
                                      FieldPath(path, "healthyAfter"), errors);
  }
  return config;
}

FailureRateConfig ReadFailureRate(const config::v1::FailureRate& rate,
                                  const std::string& path,
                                  FieldErrors* errors) {
  FailureRateConfig config;
  if (rate.has_threshold()) {
    config.threshold = rate.threshold();
    CheckRange(config.threshold, kMinFailureShare, 1.0,
               FieldPath(path, "threshold"), errors);
  }
  if (rate.has_window()) {
    config.window = CheckedDuration(rate.window(), kMinInterval,
                                    FieldPath(path, "window"), errors);
  }
  if (rate.has_min_calls()) {
    config.min_calls = CheckedInt(rate.min_calls(), 1, kMaxCallsInWindow,
                                  FieldPath(path, "minCalls"), errors);
  }
  return config;
}

void ReadDownRetry(const config::v1::PassiveHealth& passive,
                   const std::string& path, PassiveHealthConfig* config,
                   FieldErrors* errors) {
  const std::string first_path = FieldPath(path, "downRetryAfter");
  const std::string max_path = FieldPath(path, "maxDownRetryAfter");
  if (passive.has_down_retry_after()) {
    config->down_retry_after = CheckedDuration(
        passive.down_retry_after(), kMinInterval, first_path, errors);
  }
  if (!passive.has_max_down_retry_after()) {
    config->max_down_retry_after =
        std::max(config->max_down_retry_after, config->down_retry_after);
    return;
  }
  config->max_down_retry_after = CheckedDuration(
      passive.max_down_retry_after(), kMinInterval, max_path, errors);
  if (config->max_down_retry_after < config->down_retry_after &&
      !errors->IsUnreadable(first_path)) {
    errors->Add(max_path, absl::StrCat("must be >= ", first_path));
  }
}

bool HasMoreThanEnabled(config::v1::PassiveHealth passive) {
  passive.clear_enabled();
  return passive.ByteSizeLong() > 0;
}

absl::optional<PassiveHealthConfig> ReadPassive(
    const config::v1::PassiveHealth& passive, const std::string& path,
    FieldErrors* errors) {
  PassiveHealthConfig config;
  const bool enabled = !passive.has_enabled() || passive.enabled();
  if (!enabled && HasMoreThanEnabled(passive)) {
    errors->Add(FieldPath(path, "enabled"),
                absl::StrCat("false leaves the other fields of ", path,
                             " without effect: leave them out"));
  }
  if (passive.has_unhealthy_after()) {
    config.unhealthy_after =
        CheckedInt(passive.unhealthy_after(), 1, kMaxInARow,
                   FieldPath(path, "unhealthyAfter"), errors);
  }
  if (passive.has_healthy_after()) {
    config.healthy_after = CheckedInt(passive.healthy_after(), 1, kMaxInARow,
                                      FieldPath(path, "healthyAfter"), errors);
  }
  ReadDownRetry(passive, path, &config, errors);
  if (passive.has_overloaded_for()) {
    config.overloaded_for =
        CheckedDuration(passive.overloaded_for(), kMinDuration,
                        FieldPath(path, "overloadedFor"), errors);
  }
  if (passive.has_failure_rate()) {
    config.failure_rate = ReadFailureRate(
        passive.failure_rate(), FieldPath(path, "failureRate"), errors);
  }
  if (passive.has_max_ejected_percent()) {
    config.max_ejected_percent =
        CheckedInt(passive.max_ejected_percent(), 0, 100,
                   FieldPath(path, "maxEjectedPercent"), errors);
  }
  if (!enabled) return absl::nullopt;
  return config;
}

}  // namespace

HealthConfig ReadHealth(const config::v1::Health& health, FieldErrors* errors) {
  HealthConfig config;
  if (health.has_active()) {
    config.active = ReadActive(health.active(), "health.active", errors);
  }
  if (health.has_passive()) {
    config.passive = ReadPassive(health.passive(), "health.passive", errors);
  }
  if (health.has_panic_threshold()) {
    config.panic_percent = CheckedInt(health.panic_threshold(), 0, 100,
                                      "health.panicThreshold", errors);
  }
  if (health.has_slow_start()) {
    config.slow_start = CheckedDuration(
        health.slow_start(), absl::ZeroDuration(), "health.slowStart", errors);
  }
  return config;
}

}  // namespace multi_backend

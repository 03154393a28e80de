#include "multi_backend/proto/config/lint/health.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/rules/field_checks.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

// More frequent probes are a load of their own, times the number of clients.
constexpr absl::Duration kShortInterval = absl::Milliseconds(100);

using Warnings = std::vector<LintWarning>;

void LintActive(const ActiveHealthConfig& active, Warnings* warnings) {
  const std::string path = "health.active";
  if (active.unhealthy_after == 1) {
    warnings->push_back({FieldPath(path, "unhealthyAfter"),
                         "one lost probe takes a backend away; 2 or more tell "
                         "chance from illness"});
  }
  if (active.interval < kShortInterval) {
    warnings->push_back({FieldPath(path, "interval"),
                         "probes each backend more often than once per 0.1s"});
  }
  if (active.timeout > active.interval) {
    warnings->push_back(
        {FieldPath(path, "timeout"),
         absl::StrCat("is longer than interval (", InSeconds(active.interval),
                      "): a backend that hangs is probed less often than "
                      "that")});
  }
}

void LintPassive(const PassiveHealthConfig& passive, Warnings* warnings) {
  const std::string path = "health.passive";
  if (passive.unhealthy_after == 1) {
    warnings->push_back({FieldPath(path, "unhealthyAfter"),
                         "one lost call takes a backend away; 2 or more tell "
                         "chance from illness"});
  }
  if (passive.max_ejected_percent == 100) {
    warnings->push_back({FieldPath(path, "maxEjectedPercent"),
                         "lets failed calls take all backends away at once"});
  }
}

void LintBacklogs(const BalancerConfig& node, const std::string& path,
                  Warnings* warnings) {
  if (node.backlog.has_value() &&
      node.backlog->timeout < node.backlog->overload_timeout) {
    warnings->push_back(
        {FieldPath(path, "backlog.timeout"),
         absl::StrCat(
             "is shorter than overloadTimeout (",
             InSeconds(node.backlog->overload_timeout),
             "): in an outage calls run into it, as DEADLINE_EXCEEDED, "
             "before any is refused at once")});
  }
  const std::string members = FieldPath(path, "members");
  for (size_t i = 0; i < node.members.size(); ++i) {
    LintBacklogs(node.members[i], ElementPath(members, i), warnings);
  }
}

}  // namespace

std::vector<LintWarning> LintHealth(const PolicyConfig& policy) {
  Warnings warnings;
  const HealthConfig& health = policy.health;
  if (health.active.has_value()) LintActive(*health.active, &warnings);
  if (health.passive.has_value()) LintPassive(*health.passive, &warnings);
  if (!health.active.has_value() && !health.passive.has_value()) {
    const absl::string_view no_marks =
        "has little effect: health.active is not given and health.passive is "
        "off, so nothing finds out which backends are ill";
    if (health.panic_percent > 0) {
      warnings.push_back({"health.panicThreshold", std::string(no_marks)});
    }
    if (health.slow_start > absl::ZeroDuration()) {
      warnings.push_back({"health.slowStart", std::string(no_marks)});
    }
  }
  LintBacklogs(policy.root, "", &warnings);
  for (const auto& [role, balancer] : policy.roles) {
    LintBacklogs(balancer, KeyPath("roles", role), &warnings);
  }
  return warnings;
}

}  // namespace multi_backend

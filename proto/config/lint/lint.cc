#include "multi_backend/proto/config/lint/lint.h"

#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/lint/health.h"
#include "multi_backend/proto/config/lint/routes.h"
#include "multi_backend/proto/config/rules/policy.h"
#include "multi_backend/proto/json/field_errors.h"

namespace multi_backend {
namespace {

using Warnings = std::vector<LintWarning>;

// Codes by which a backend answers a call: another one would answer the same.
constexpr absl::StatusCode kApplicationCodes[] = {
    absl::StatusCode::kNotFound,
    absl::StatusCode::kInvalidArgument,
    absl::StatusCode::kAlreadyExists,
    absl::StatusCode::kPermissionDenied,
    absl::StatusCode::kUnauthenticated,
    absl::StatusCode::kOutOfRange,
    absl::StatusCode::kFailedPrecondition,
    absl::StatusCode::kUnimplemented,
    absl::StatusCode::kDataLoss};

void LintFailoverCodes(const FailoverConfig& failover, Warnings* warnings) {
  const auto& codes = failover.retriable_status_codes;
  for (size_t i = 0; i < codes.size(); ++i) {
    for (absl::StatusCode application : kApplicationCodes) {
      if (codes[i] != application) continue;
      warnings->push_back(
          {ElementPath("failover.retriableStatusCodes", i),
           absl::StrCat(StatusCodeName(codes[i]),
                        " is an answer of the application, which another "
                        "backend would repeat")});
    }
  }
}

void LintPerTryTimeout(const FailoverConfig& failover, Warnings* warnings) {
  if (failover.max_retries != 0 || !failover.per_try_timeout.has_value()) {
    return;
  }
  warnings->push_back({"failover.perTryTimeout",
                       "has no effect because maxRetries is 0: an attempt is "
                       "only given up for another one; to limit the calls, "
                       "give them deadlines or a timeout in methodConfig"});
}

bool UsesKey(const BalancerConfig& balancer) {
  if (balancer.strategy == StrategyKind::kSticky) return true;
  for (const BalancerConfig& member : balancer.members) {
    if (UsesKey(member)) return true;
  }
  return false;
}

void LintStickyKey(const Config& config, Warnings* warnings) {
  if (!config.routing.sticky_key.has_value()) return;
  if (UsesKey(config.policy.root)) return;
  for (const auto& role_and_balancer : config.policy.roles) {
    if (UsesKey(role_and_balancer.second)) return;
  }
  warnings->push_back(
      {"stickyKey", "no balancer has strategy STICKY, so it is never used"});
}

void Append(Warnings more, Warnings* warnings) {
  warnings->insert(warnings->end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<LintWarning> LintConfig(const Config& config) {
  Warnings warnings;
  LintFailoverCodes(config.policy.failover, &warnings);
  LintPerTryTimeout(config.policy.failover, &warnings);
  Append(LintHealth(config.policy), &warnings);
  LintStickyKey(config, &warnings);
  Append(LintRoutes(config), &warnings);
  return warnings;
}

}  // namespace multi_backend

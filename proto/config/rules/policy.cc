#include "multi_backend/proto/config/rules/policy.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/proto/config/host_port.h"
#include "multi_backend/proto/config/rules/field_checks.h"
#include "multi_backend/proto/config/rules/health.h"
#include "multi_backend/proto/config/rules/pool_and_backlog.h"

namespace multi_backend {
namespace {

// Deeper trees are mistakes, and code that walks a tree may recurse.
constexpr int kMaxMemberDepth = 4;
// gRPC allows five attempts in all.
constexpr int kMaxRetries = 4;
constexpr double kMaxRetriesPerSecond = 10000;
constexpr int kMinRetryBuffer = 1 << 10;
constexpr int kMaxRetryBuffer = 1 << 30;
// gRPC's own entries alone count as 512 bytes.
constexpr int kMinMetadataLimit = 1 << 10;
constexpr int kMaxMetadataLimit = 16 << 20;
constexpr double kMaxLoadBound = 10;

// Where each value was seen first.
using SeenAt = absl::flat_hash_map<std::string, std::string>;

void CheckUnique(const std::string& value, const std::string& path,
                 SeenAt* seen, FieldErrors* errors) {
  const auto [first, is_new] = seen->try_emplace(value, path);
  if (!is_new) errors->Add(path, absl::StrCat("duplicate of ", first->second));
}

SelectorConfig ReadSelector(const config::v1::Selector& selector,
                            const std::string& path, FieldErrors* errors) {
  SelectorConfig config;
  if (selector.has_role()) {
    config.role = selector.role();
    if (!selector.role().empty()) {
      CheckRoleName(selector.role(), FieldPath(path, "role"), errors);
    }
  }
  if (selector.has_zone()) {
    config.zone = selector.zone();
    CheckSize(selector.zone(), kMaxNameSize, FieldPath(path, "zone"), errors);
  }
  config.labels =
      CheckedLabels(selector.labels(), FieldPath(path, "labels"), errors);
  return config;
}

StrategyKind ReadStrategy(const std::string& name, const std::string& path,
                          FieldErrors* errors) {
  const absl::optional<StrategyKind> kind = StrategyNamed(name);
  if (!kind.has_value()) {
    errors->AddUnreadable(path, NotOneOf(name, StrategyNames()));
  }
  return kind.value_or(StrategyKind::kRoundRobin);
}

// Checks that the options `options`, which the balancer at `path` has, are for
// its strategy.
void CheckOptions(absl::string_view options, StrategyKind strategy,
                  const std::string& path, FieldErrors* errors) {
  if (RowOf(strategy).options == options) return;
  // The strategy itself could not be read, so its options are unknown.
  if (errors->IsUnreadable(FieldPath(path, "strategy"))) return;
  errors->Add(
      FieldPath(path, options),
      absl::StrCat("only for strategy ", StrategiesWithOptions(options)));
}

// Reads the fields that every node has.  `Node` is Policy (the root) or
// Balancer.
template <typename Node>
void ReadNode(const Node& node, const std::string& path, BalancerConfig* config,
              FieldErrors* errors) {
  if (node.has_backlog()) {
    config->backlog =
        ReadBacklog(node.backlog(), FieldPath(path, "backlog"), errors);
  }
  if (node.has_strategy()) {
    config->strategy =
        ReadStrategy(node.strategy(), FieldPath(path, "strategy"), errors);
  }
  if (node.has_sticky()) {
    CheckOptions("sticky", config->strategy, path, errors);
    if (node.sticky().has_load_bound()) {
      config->load_bound = node.sticky().load_bound();
      CheckRange(*config->load_bound, 1.0, kMaxLoadBound,
                 FieldPath(path, "sticky.loadBound"), errors);
    }
  }
  if (node.has_primary()) {
    CheckOptions("primary", config->strategy, path, errors);
    if (node.primary().has_hold_down()) {
      config->hold_down =
          CheckedDuration(node.primary().hold_down(), absl::ZeroDuration(),
                          FieldPath(path, "primary.holdDown"), errors);
    }
  }
  if (node.has_peak_ewma()) {
    CheckOptions("peakEwma", config->strategy, path, errors);
    if (node.peak_ewma().has_decay_time()) {
      config->ewma_decay =
          CheckedDuration(node.peak_ewma().decay_time(), kMinDuration,
                          FieldPath(path, "peakEwma.decayTime"), errors);
    }
  }
}

template <typename Node>
void ReadMembers(const Node& node, const std::string& path, int depth,
                 BalancerConfig* config, FieldErrors* errors) {
  if (node.members().empty()) return;
  const std::string members_path = FieldPath(path, "members");
  if (depth == kMaxMemberDepth) {
    errors->Add(members_path, absl::StrCat("nested deeper than ",
                                           kMaxMemberDepth, " levels"));
    return;
  }
  SeenAt names;
  for (int i = 0; i < node.members_size(); ++i) {
    const config::v1::Balancer& member = node.members(i);
    const std::string member_path = ElementPath(members_path, i);
    const std::string name_path = FieldPath(member_path, "name");
    BalancerConfig& child = config->members.emplace_back();
    child.name = member.name();
    if (member.name().empty()) {
      errors->Add(name_path, "is required");
    } else {
      CheckRoleName(member.name(), name_path, errors);
      CheckUnique(member.name(), name_path, &names, errors);
    }
    child.select =
        ReadSelector(member.select(), FieldPath(member_path, "select"), errors);
    ReadNode(member, member_path, &child, errors);
    ReadMembers(member, member_path, depth + 1, &child, errors);
  }
}

void ReadRoles(const config::v1::Policy& policy, PolicyConfig* config,
               FieldErrors* errors) {
  for (const auto& [role, balancer] : policy.roles()) {
    const std::string path = KeyPath("roles", role);
    CheckRoleName(role, path, errors);
    if (!balancer.name().empty()) {
      errors->Add(FieldPath(path, "name"), "only for an entry of members");
    }
    if (balancer.has_select()) {
      errors->Add(FieldPath(path, "select"), "only for an entry of members");
    }
    BalancerConfig& root = config->roles[role];
    ReadNode(balancer, path, &root, errors);
    ReadMembers(balancer, path, 0, &root, errors);
  }
}

BackendConfig ReadBackend(const config::v1::Backend& backend,
                          const std::string& path, FieldErrors* errors) {
  BackendConfig config;
  config.address = backend.address();
  if (backend.has_weight()) {
    CheckRange(backend.weight(), int64_t{0}, int64_t{kMaxEndpointWeight},
               FieldPath(path, "weight"), errors);
    config.weight = static_cast<uint32_t>(backend.weight());
  }
  if (backend.has_role()) {
    config.role = backend.role();
    if (!backend.role().empty()) {
      CheckRoleName(backend.role(), FieldPath(path, "role"), errors);
    }
  }
  if (backend.has_zone()) {
    config.zone = backend.zone();
    CheckSize(backend.zone(), kMaxNameSize, FieldPath(path, "zone"), errors);
  }
  if (backend.has_priority()) {
    using Limits = std::numeric_limits<int32_t>;
    CheckRange(backend.priority(), int64_t{Limits::min()},
               int64_t{Limits::max()}, FieldPath(path, "priority"), errors);
    config.priority = static_cast<int32_t>(backend.priority());
  }
  config.labels =
      CheckedLabels(backend.labels(), FieldPath(path, "labels"), errors);
  if (backend.has_pool()) {
    config.pool = ReadPool(backend.pool(), FieldPath(path, "pool"), errors);
  }
  return config;
}

void ReadBackends(const config::v1::Policy& policy, PolicyConfig* config,
                  FieldErrors* errors) {
  if (policy.backends_size() > static_cast<int>(kMaxEndpoints)) {
    errors->Add("backends",
                absl::StrCat("has more than ", kMaxEndpoints, " entries"));
    return;
  }
  SeenAt addresses;
  for (int i = 0; i < policy.backends_size(); ++i) {
    const config::v1::Backend& backend = policy.backends(i);
    const std::string path = ElementPath("backends", i);
    const std::string address_path = FieldPath(path, "address");
    const auto parsed = ParseHostPort(backend.address());
    if (parsed.ok()) {
      // Host names are compared without case.
      CheckUnique(absl::AsciiStrToLower(backend.address()), address_path,
                  &addresses, errors);
    } else {
      errors->Add(address_path, backend.address().empty()
                                    ? "is required"
                                    : parsed.status().message());
    }
    config->backends.push_back(ReadBackend(backend, path, errors));
  }
}

absl::optional<absl::StatusCode> StatusCodeOf(absl::string_view name) {
  for (int i = 0; i <= 16; ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    if (StatusCodeName(code) == name) return code;
  }
  return absl::nullopt;
}

void ReadCodes(const config::v1::Failover& failover, FailoverConfig* config,
               FieldErrors* errors) {
  // The parser refuses an empty list, so the list is absent.
  if (failover.retriable_status_codes().empty()) return;
  config->retriable_status_codes.clear();
  SeenAt seen;
  for (int i = 0; i < failover.retriable_status_codes_size(); ++i) {
    const std::string& name = failover.retriable_status_codes(i);
    const std::string path = ElementPath("failover.retriableStatusCodes", i);
    const absl::optional<absl::StatusCode> code = StatusCodeOf(name);
    if (!code.has_value()) {
      errors->Add(path, absl::StrCat(QuotedValue(name), " is no status code"));
    } else if (*code == absl::StatusCode::kOk) {
      errors->Add(path, "OK is no failure");
    } else {
      CheckUnique(name, path, &seen, errors);
      config->retriable_status_codes.push_back(*code);
    }
  }
}

void ReadFailover(const config::v1::Failover& failover, FailoverConfig* config,
                  FieldErrors* errors) {
  if (failover.has_max_retries()) {
    config->max_retries = CheckedInt(failover.max_retries(), 0, kMaxRetries,
                                     "failover.maxRetries", errors);
  }
  ReadCodes(failover, config, errors);
  if (failover.has_per_try_timeout()) {
    config->per_try_timeout =
        CheckedDuration(failover.per_try_timeout(), kMinDuration,
                        "failover.perTryTimeout", errors);
  }
  if (failover.has_max_connect_wait()) {
    config->max_connect_wait =
        CheckedDuration(failover.max_connect_wait(), absl::ZeroDuration(),
                        "failover.maxConnectWait", errors);
  }
  const config::v1::RetryBudget& budget = failover.budget();
  if (budget.has_ratio()) {
    config->budget_ratio = budget.ratio();
    CheckRange(config->budget_ratio, 0.0, 1.0, "failover.budget.ratio", errors);
  }
  if (budget.has_min_retries_per_second()) {
    config->min_retries_per_second = budget.min_retries_per_second();
    CheckRange(config->min_retries_per_second, 0.0, kMaxRetriesPerSecond,
               "failover.budget.minRetriesPerSecond", errors);
  }
  if (failover.has_retry_buffer()) {
    config->retry_buffer =
        CheckedInt(failover.retry_buffer(), kMinRetryBuffer, kMaxRetryBuffer,
                   "failover.retryBuffer", errors);
  }
}

}  // namespace

PolicyConfig ReadPolicy(const config::v1::Policy& policy, FieldErrors* errors) {
  PolicyConfig config;
  ReadNode(policy, "", &config.root, errors);
  ReadMembers(policy, "", 0, &config.root, errors);
  ReadRoles(policy, &config, errors);
  ReadBackends(policy, &config, errors);
  ReadFailover(policy.failover(), &config.failover, errors);
  config.health = ReadHealth(policy.health(), errors);
  if (policy.has_pool()) config.pool = ReadPool(policy.pool(), "pool", errors);
  config.max_requests_per_backend = ReadMaxRequests(policy, errors);
  if (policy.has_max_request_metadata()) {
    config.max_request_metadata =
        CheckedInt(policy.max_request_metadata(), kMinMetadataLimit,
                   kMaxMetadataLimit, "maxRequestMetadata", errors);
  }
  CheckBacklogs(config, errors);
  return config;
}

absl::string_view StatusCodeName(absl::StatusCode code) {
  // absl::StatusCodeToString() makes a new string each time.
  static constexpr absl::string_view kNames[] = {"OK",
                                                 "CANCELLED",
                                                 "UNKNOWN",
                                                 "INVALID_ARGUMENT",
                                                 "DEADLINE_EXCEEDED",
                                                 "NOT_FOUND",
                                                 "ALREADY_EXISTS",
                                                 "PERMISSION_DENIED",
                                                 "RESOURCE_EXHAUSTED",
                                                 "FAILED_PRECONDITION",
                                                 "ABORTED",
                                                 "OUT_OF_RANGE",
                                                 "UNIMPLEMENTED",
                                                 "INTERNAL",
                                                 "UNAVAILABLE",
                                                 "DATA_LOSS",
                                                 "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : absl::string_view();
}

}  // namespace multi_backend

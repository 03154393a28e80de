// The configuration of one multi_backend channel as immutable structs.
//
// The schema, with the meaning, unit, default and bounds of every field, is
// proto/config.proto; config_parser.h turns the service config JSON into these
// structs.  They are plain values: build once, share as `const`, never change.
#ifndef MULTI_BACKEND_PROTO_CONFIG_H_
#define MULTI_BACKEND_PROTO_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace multi_backend {

// How a balancer chooses among its members; semantics in docs/strategies.md.
enum class StrategyKind {
  kRoundRobin,
  kWeighted,
  kLeastBusy,
  kPeakEwma,
  kSticky,
  kPrimary,
  kRandom,
};

// The configuration name, e.g. "ROUND_ROBIN".
absl::string_view StrategyName(StrategyKind kind);

// Which endpoints belong to a member of a balancer: all given conditions hold.
struct SelectorConfig {
  absl::optional<std::string> role;
  absl::optional<std::string> zone;
  std::map<std::string, std::string> labels;

  bool operator==(const SelectorConfig& other) const;
};

// One node of the balancer tree.  A node with `members` chooses among those
// balancers; a node without chooses among the endpoints that it selects.
struct BalancerConfig {
  std::string name;  // Of a member, unique among its siblings; "" at the root.
  SelectorConfig select;  // Empty selects every endpoint that the parent has.
  StrategyKind strategy = StrategyKind::kRoundRobin;
  // STICKY: no member takes more than this times the mean load; unset = no
  // bound.  At least 1.
  absl::optional<double> load_bound;
  // PRIMARY: a better member must have been usable this long before calls move
  // back to it.
  absl::Duration hold_down = absl::ZeroDuration();
  // PEAK_EWMA: time constant of the decay of the latency average.
  absl::Duration ewma_decay = absl::Seconds(10);
  std::vector<BalancerConfig> members;

  bool operator==(const BalancerConfig& other) const;
};

// An entry of `backends`: attributes laid over the endpoint of that address,
// and the endpoint list itself for the target `static:///`.
struct BackendConfig {
  std::string address;  // "host:port", IPv6 as "[::1]:port".
  absl::optional<uint32_t> weight;
  absl::optional<std::string> role;
  absl::optional<std::string> zone;
  absl::optional<int32_t> priority;
  std::map<std::string, std::string> labels;

  bool operator==(const BackendConfig& other) const;
};

// Retries on another backend.
struct FailoverConfig {
  int max_retries = 2;  // 0..4; attempts = 1 + max_retries.
  std::vector<absl::StatusCode> retriable_status_codes = {
      absl::StatusCode::kUnavailable};
  absl::optional<absl::Duration> per_try_timeout;
  // Retries may be at most `budget_ratio` of recent calls, plus
  // `min_retries_per_second`.
  double budget_ratio = 0.2;
  double min_retries_per_second = 10;

  bool operator==(const FailoverConfig& other) const;
};

// The part under loadBalancingConfig[].multi_backend.
struct PolicyConfig {
  BalancerConfig root;
  // By role name.  An entry's endpoints are those of the role: its own `name`
  // and `select` are empty.
  std::map<std::string, BalancerConfig> roles;
  std::vector<BackendConfig> backends;
  FailoverConfig failover;

  bool operator==(const PolicyConfig& other) const;
};

enum class WhenUnavailable { kFail, kAny, kRole };
enum class RetryMode { kDefault, kNever };

struct RouteConfig {
  std::string method;   // RE2, full match on the short method name; "" = any.
  std::string service;  // RE2, full match on the full service name; "" = any.
  std::string role;     // "" = the default strategy over all backends.
  WhenUnavailable when_unavailable = WhenUnavailable::kFail;
  std::string fallback_role;  // With WhenUnavailable::kRole.
  RetryMode retry = RetryMode::kDefault;

  bool operator==(const RouteConfig& other) const;
};

// Exactly one of the two is set.
struct StickyKeyConfig {
  std::string header;         // Lower-case metadata key.
  std::string request_field;  // Dotted path of field names in the request.

  bool operator==(const StickyKeyConfig& other) const;
};

// The part under the top-level key multiBackend.
struct RoutingConfig {
  std::vector<RouteConfig> routes;
  absl::optional<StickyKeyConfig> sticky_key;

  bool operator==(const RoutingConfig& other) const;
};

struct Config {
  PolicyConfig policy;
  RoutingConfig routing;

  bool operator==(const Config& other) const;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_H_

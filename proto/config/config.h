// The configuration of one multi_backend channel as immutable structs.
//
// The schema, with the meaning, unit, default and bounds of every field, is
// proto/config.proto; parser/parser.h turns the service config JSON into these
// structs.  They are plain values: build once, share as `const`, never change.
#ifndef MULTI_BACKEND_PROTO_CONFIG_CONFIG_H_
#define MULTI_BACKEND_PROTO_CONFIG_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/strategy_kind.h"

namespace multi_backend {

// The name of our LB policy in gRPC and in `loadBalancingConfig`.
constexpr absl::string_view kPolicyName = "multi_backend";
// The top-level key of the service config that holds the routing.
constexpr absl::string_view kRoutingKey = "multiBackend";

// The shortest backoff that a retryPolicy should have.  gRPC makes whole
// milliseconds of a backoff, after up to 20 % of jitter.  gRPC 1.83 drops a
// retry with a backoff of 0 ms, and its call then hangs past its deadline
// (grpc/grpc#41036).
constexpr absl::Duration kLeastBackoff = absl::Milliseconds(2);

// Selects the endpoints of a balancer's member: those that meet every condition
// that is given.
struct SelectorConfig {
  absl::optional<std::string> role;
  absl::optional<std::string> zone;
  std::map<std::string, std::string> labels;

  bool operator==(const SelectorConfig& other) const;
};

// The queue, first in first out, of the calls that find no usable backend.
struct BacklogConfig {
  int limit = 1000;  // Calls that may wait at the same time.
  // A call that has waited this long is refused (DEADLINE_EXCEEDED).
  absl::Duration timeout = absl::Seconds(5);
  // When all members have been down this long, calls are refused at once.
  absl::Duration overload_timeout = absl::Seconds(1);

  bool operator==(const BacklogConfig& other) const;
};

// One node of the balancer tree.  A node with `members` chooses among those
// balancers; a node without chooses among the endpoints that it selects.
struct BalancerConfig {
  std::string name;       // Unique among its siblings; "" at the root.
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
  // Unset: a call that finds no usable backend fails at once.
  absl::optional<BacklogConfig> backlog;
  std::vector<BalancerConfig> members;

  bool operator==(const BalancerConfig& other) const;
};

// Connections per backend.
struct ConnectionPoolConfig {
  int min = 1;
  int max = 1;
  // A connection above `min` is closed after this long without a stream.
  absl::Duration idle_timeout = absl::Seconds(30);
  // When every connection has this many, another one is opened.
  int max_streams_per_connection = 100;

  bool operator==(const ConnectionPoolConfig& other) const;
};

// An entry of `backends`: attributes for the endpoint with that address, which
// replace those of discovery.  For the target `static:///` the entries are also
// the endpoints.
struct BackendConfig {
  std::string address;  // "host:port", IPv6 as "[::1]:port".
  absl::optional<uint32_t> weight;
  absl::optional<std::string> role;
  absl::optional<std::string> zone;
  absl::optional<int32_t> priority;
  std::map<std::string, std::string> labels;
  absl::optional<ConnectionPoolConfig> pool;  // Unset: that of the channel.

  bool operator==(const BackendConfig& other) const;
};

// Four times what gRPC keeps by default.  A unary call cannot be told from a
// stream where the size is set, and each stream may take it.
constexpr int kDefaultRetryBuffer = 1 << 20;

// How failed calls are tried again on another backend.
struct FailoverConfig {
  int max_retries = 2;  // 0..4; attempts = 1 + max_retries.
  std::vector<absl::StatusCode> retriable_status_codes = {
      absl::StatusCode::kUnavailable};
  absl::optional<absl::Duration> per_try_timeout;
  // How long a retry waits for backends that are still being connected.
  absl::Duration max_connect_wait = absl::Seconds(1);
  // Retries may be at most `budget_ratio` of recent calls, plus
  // `min_retries_per_second`; see RetryBudget.
  double budget_ratio = 0.2;
  double min_retries_per_second = 10;
  // Bytes of a request, with its metadata, that gRPC keeps for a retry.  Unset:
  // the channel arg for it, else kDefaultRetryBuffer.
  absl::optional<int> retry_buffer;

  bool operator==(const FailoverConfig& other) const;
};

enum class ProbeKind { kGrpc, kHttp, kTcp };

// Probes ask each backend at intervals whether it is healthy.
struct ActiveHealthConfig {
  ProbeKind probe = ProbeKind::kGrpc;
  absl::Duration interval = absl::Seconds(5);
  absl::Duration timeout = absl::Seconds(2);
  int unhealthy_after = 3;  // Failed probes in a row.
  int healthy_after = 2;    // Successful ones in a row.
  // gRPC: the service asked about; "" = the whole server.
  std::string service;
  // gRPC: whether a server without the health service counts as healthy.
  bool unimplemented_is_healthy = true;
  std::string path = "/";         // HTTP: the path of the GET.
  absl::optional<uint16_t> port;  // HTTP and TCP; unset = the backend's own.

  bool operator==(const ActiveHealthConfig& other) const;
};

// Ejects a backend whose share of infrastructure failures is too high.
struct FailureRateConfig {
  double threshold = 0.5;  // Share of calls, 0 to 1.
  absl::Duration window = absl::Seconds(10);
  int min_calls = 20;  // With fewer in the window no backend is ejected.

  bool operator==(const FailureRateConfig& other) const;
};

// How the results of calls change the state of a backend.
struct PassiveHealthConfig {
  int unhealthy_after = 3;  // Infrastructure failures in a row.
  int healthy_after = 1;    // Successful trial calls in a row.
  // How long a backend that is down waits for its trial call; doubles each time
  // that it goes down again.
  absl::Duration down_retry_after = absl::Seconds(1);
  absl::Duration max_down_retry_after = absl::Seconds(30);
  absl::Duration overloaded_for = absl::Seconds(3);
  absl::optional<FailureRateConfig> failure_rate;
  // The share of a balancer's members that failed calls may take out.
  int max_ejected_percent = 50;

  bool operator==(const PassiveHealthConfig& other) const;
};

struct HealthConfig {
  absl::optional<ActiveHealthConfig> active;  // Unset: no probes.
  // Unset: calls change no state.
  absl::optional<PassiveHealthConfig> passive = PassiveHealthConfig();
  // A balancer ignores health while its share of usable members is below this;
  // 0 = never.
  int panic_percent = 0;
  // How long the share of a backend that has come back takes to grow to its
  // full size; 0 = it has it at once.
  absl::Duration slow_start = absl::ZeroDuration();

  bool operator==(const HealthConfig& other) const;
};

// The part under loadBalancingConfig[].multi_backend.
struct PolicyConfig {
  BalancerConfig root;
  // By role name.  An entry's endpoints are those of the role: its own `name`
  // and `select` are empty.
  std::map<std::string, BalancerConfig> roles;
  std::vector<BackendConfig> backends;
  FailoverConfig failover;
  HealthConfig health;
  ConnectionPoolConfig pool;
  // A backend with this many calls in flight gets no more; 0 = no limit.
  int max_requests_per_backend = 0;
  // Bytes of a call's metadata, above which the call is refused; 0 = no limit.
  int max_request_metadata = 0;

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

#endif  // MULTI_BACKEND_PROTO_CONFIG_CONFIG_H_

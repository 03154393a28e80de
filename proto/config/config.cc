#include "multi_backend/proto/config/config.h"

#include <tuple>

namespace multi_backend {

bool SelectorConfig::operator==(const SelectorConfig& other) const {
  return std::tie(role, zone, labels) ==
         std::tie(other.role, other.zone, other.labels);
}

bool BalancerConfig::operator==(const BalancerConfig& other) const {
  return std::tie(name, select, strategy, load_bound, hold_down, ewma_decay,
                  backlog, members) ==
         std::tie(other.name, other.select, other.strategy, other.load_bound,
                  other.hold_down, other.ewma_decay, other.backlog,
                  other.members);
}

bool BacklogConfig::operator==(const BacklogConfig& other) const {
  return std::tie(limit, timeout, overload_timeout) ==
         std::tie(other.limit, other.timeout, other.overload_timeout);
}

bool BackendConfig::operator==(const BackendConfig& other) const {
  return std::tie(address, weight, role, zone, priority, labels, pool) ==
         std::tie(other.address, other.weight, other.role, other.zone,
                  other.priority, other.labels, other.pool);
}

bool FailoverConfig::operator==(const FailoverConfig& other) const {
  return std::tie(max_retries, retriable_status_codes, per_try_timeout,
                  max_connect_wait, budget_ratio, min_retries_per_second,
                  retry_buffer) ==
         std::tie(other.max_retries, other.retriable_status_codes,
                  other.per_try_timeout, other.max_connect_wait,
                  other.budget_ratio, other.min_retries_per_second,
                  other.retry_buffer);
}

bool PolicyConfig::operator==(const PolicyConfig& other) const {
  return std::tie(root, roles, backends, failover, health, pool,
                  max_requests_per_backend, max_request_metadata) ==
         std::tie(other.root, other.roles, other.backends, other.failover,
                  other.health, other.pool, other.max_requests_per_backend,
                  other.max_request_metadata);
}

bool ActiveHealthConfig::operator==(const ActiveHealthConfig& other) const {
  return std::tie(probe, interval, timeout, unhealthy_after, healthy_after,
                  service, unimplemented_is_healthy, path, port) ==
         std::tie(other.probe, other.interval, other.timeout,
                  other.unhealthy_after, other.healthy_after, other.service,
                  other.unimplemented_is_healthy, other.path, other.port);
}

bool FailureRateConfig::operator==(const FailureRateConfig& other) const {
  return std::tie(threshold, window, min_calls) ==
         std::tie(other.threshold, other.window, other.min_calls);
}

bool PassiveHealthConfig::operator==(const PassiveHealthConfig& other) const {
  return std::tie(unhealthy_after, healthy_after, down_retry_after,
                  max_down_retry_after, overloaded_for, failure_rate,
                  max_ejected_percent) ==
         std::tie(other.unhealthy_after, other.healthy_after,
                  other.down_retry_after, other.max_down_retry_after,
                  other.overloaded_for, other.failure_rate,
                  other.max_ejected_percent);
}

bool HealthConfig::operator==(const HealthConfig& other) const {
  return std::tie(active, passive, panic_percent, slow_start) ==
         std::tie(other.active, other.passive, other.panic_percent,
                  other.slow_start);
}

bool ConnectionPoolConfig::operator==(const ConnectionPoolConfig& other) const {
  return std::tie(min, max, idle_timeout, max_streams_per_connection) ==
         std::tie(other.min, other.max, other.idle_timeout,
                  other.max_streams_per_connection);
}

bool RouteConfig::operator==(const RouteConfig& other) const {
  return std::tie(method, service, role, when_unavailable, fallback_role,
                  retry) == std::tie(other.method, other.service, other.role,
                                     other.when_unavailable,
                                     other.fallback_role, other.retry);
}

bool StickyKeyConfig::operator==(const StickyKeyConfig& other) const {
  return std::tie(header, request_field) ==
         std::tie(other.header, other.request_field);
}

bool RoutingConfig::operator==(const RoutingConfig& other) const {
  return std::tie(routes, sticky_key) ==
         std::tie(other.routes, other.sticky_key);
}

bool Config::operator==(const Config& other) const {
  return std::tie(policy, routing) == std::tie(other.policy, other.routing);
}

}  // namespace multi_backend

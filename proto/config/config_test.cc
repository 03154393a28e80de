#include "multi_backend/proto/config/config.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(ConfigTest, DefaultsAreThoseOfTheSchema) {
  const Config config;
  EXPECT_EQ(config.policy.root.strategy, StrategyKind::kRoundRobin);
  EXPECT_EQ(config.policy.root.ewma_decay, absl::Seconds(10));
  EXPECT_EQ(config.policy.root.hold_down, absl::ZeroDuration());
  EXPECT_EQ(config.policy.root.load_bound, absl::nullopt);
  EXPECT_EQ(config.policy.failover.max_retries, 2);
  EXPECT_EQ(config.policy.failover.retriable_status_codes,
            std::vector<absl::StatusCode>{absl::StatusCode::kUnavailable});
  EXPECT_EQ(config.policy.failover.per_try_timeout, absl::nullopt);
  EXPECT_EQ(config.policy.failover.max_connect_wait, absl::Seconds(1));
  EXPECT_EQ(config.policy.failover.budget_ratio, 0.2);
  EXPECT_EQ(config.policy.failover.min_retries_per_second, 10);
  EXPECT_EQ(config.policy.failover.retry_buffer, absl::nullopt);
  EXPECT_EQ(config.policy.health.active, absl::nullopt);
  EXPECT_EQ(config.policy.health.passive, PassiveHealthConfig());
  EXPECT_EQ(config.policy.health.panic_percent, 0);
  EXPECT_EQ(config.policy.health.slow_start, absl::ZeroDuration());
  EXPECT_EQ(config.policy.pool.min, 1);
  EXPECT_EQ(config.policy.pool.max, 1);
  EXPECT_EQ(config.policy.pool.idle_timeout, absl::Seconds(30));
  EXPECT_EQ(config.policy.pool.max_streams_per_connection, 100);
  EXPECT_EQ(config.policy.root.backlog, absl::nullopt);
  EXPECT_EQ(config.policy.max_requests_per_backend, 0);
  EXPECT_EQ(config.policy.max_request_metadata, 0);
  EXPECT_TRUE(config.routing.routes.empty());
  EXPECT_EQ(config.routing.sticky_key, absl::nullopt);
}

TEST(ConfigTest, DefaultsOfPartsAreThoseOfTheSchema) {
  const ActiveHealthConfig active;
  EXPECT_EQ(active.probe, ProbeKind::kGrpc);
  EXPECT_EQ(active.interval, absl::Seconds(5));
  EXPECT_EQ(active.timeout, absl::Seconds(2));
  EXPECT_EQ(active.unhealthy_after, 3);
  EXPECT_EQ(active.healthy_after, 2);
  EXPECT_EQ(active.service, "");
  EXPECT_TRUE(active.unimplemented_is_healthy);
  EXPECT_EQ(active.path, "/");
  EXPECT_EQ(active.port, absl::nullopt);
  const PassiveHealthConfig passive;
  EXPECT_EQ(passive.unhealthy_after, 3);
  EXPECT_EQ(passive.healthy_after, 1);
  EXPECT_EQ(passive.down_retry_after, absl::Seconds(1));
  EXPECT_EQ(passive.max_down_retry_after, absl::Seconds(30));
  EXPECT_EQ(passive.overloaded_for, absl::Seconds(3));
  EXPECT_EQ(passive.failure_rate, absl::nullopt);
  EXPECT_EQ(passive.max_ejected_percent, 50);
  const FailureRateConfig rate;
  EXPECT_EQ(rate.threshold, 0.5);
  EXPECT_EQ(rate.window, absl::Seconds(10));
  EXPECT_EQ(rate.min_calls, 20);
  const BacklogConfig backlog;
  EXPECT_EQ(backlog.limit, 1000);
  EXPECT_EQ(backlog.timeout, absl::Seconds(5));
  EXPECT_EQ(backlog.overload_timeout, absl::Seconds(1));
}

// Sets every member, so that none is equal because it is empty.
Config FullConfig() {
  Config config;
  config.policy.root.members.resize(1);
  config.policy.roles["a"] = BalancerConfig();
  config.policy.backends.resize(1);
  config.policy.root.backlog.emplace();
  config.policy.health.active.emplace();
  config.policy.health.passive.emplace().failure_rate.emplace();
  config.routing.routes.resize(1);
  config.routing.sticky_key.emplace();
  return config;
}

// An update takes effect only if it differs.  If the comparison forgot a
// member, a change of that member would be lost.
TEST(ConfigTest, EveryMemberCountsInTheComparison) {
  using Change = std::function<void(Config&)>;
  const std::vector<Change> changes = {
      [](Config& c) { c.policy.root.name = "x"; },
      [](Config& c) { c.policy.root.select.role = ""; },
      [](Config& c) { c.policy.root.select.zone = ""; },
      [](Config& c) { c.policy.root.select.labels["x"] = ""; },
      [](Config& c) { c.policy.root.strategy = StrategyKind::kRandom; },
      [](Config& c) { c.policy.root.load_bound = 1; },
      [](Config& c) { c.policy.root.hold_down = absl::Seconds(1); },
      [](Config& c) { c.policy.root.ewma_decay = absl::Seconds(1); },
      [](Config& c) { c.policy.root.members[0].name = "x"; },
      [](Config& c) { c.policy.roles["b"]; },
      [](Config& c) { c.policy.roles["a"].name = "x"; },
      [](Config& c) { c.policy.backends[0].address = "x"; },
      [](Config& c) { c.policy.backends[0].weight = 0; },
      [](Config& c) { c.policy.backends[0].role = ""; },
      [](Config& c) { c.policy.backends[0].zone = ""; },
      [](Config& c) { c.policy.backends[0].priority = 0; },
      [](Config& c) { c.policy.backends[0].labels["x"] = ""; },
      [](Config& c) { c.policy.backends[0].pool.emplace(); },
      [](Config& c) { c.policy.failover.max_retries = 1; },
      [](Config& c) { c.policy.failover.retriable_status_codes.clear(); },
      [](Config& c) { c.policy.failover.per_try_timeout = absl::Seconds(1); },
      [](Config& c) { c.policy.failover.max_connect_wait = absl::Seconds(9); },
      [](Config& c) { c.policy.failover.budget_ratio = 1; },
      [](Config& c) { c.policy.failover.min_retries_per_second = 1; },
      [](Config& c) { c.policy.failover.retry_buffer = 1; },
      [](Config& c) { c.policy.root.backlog.reset(); },
      [](Config& c) { c.policy.root.backlog->limit = 1; },
      [](Config& c) { c.policy.root.backlog->timeout = absl::Seconds(9); },
      [](Config& c) {
        c.policy.root.backlog->overload_timeout = absl::Seconds(9);
      },
      [](Config& c) { c.policy.health.active.reset(); },
      [](Config& c) { c.policy.health.active->probe = ProbeKind::kTcp; },
      [](Config& c) { c.policy.health.active->interval = absl::Seconds(9); },
      [](Config& c) { c.policy.health.active->timeout = absl::Seconds(9); },
      [](Config& c) { c.policy.health.active->unhealthy_after = 9; },
      [](Config& c) { c.policy.health.active->healthy_after = 9; },
      [](Config& c) { c.policy.health.active->service = "x"; },
      [](Config& c) {
        c.policy.health.active->unimplemented_is_healthy = false;
      },
      [](Config& c) { c.policy.health.active->path = "/x"; },
      [](Config& c) { c.policy.health.active->port = 0; },
      [](Config& c) { c.policy.health.passive.reset(); },
      [](Config& c) { c.policy.health.passive->unhealthy_after = 9; },
      [](Config& c) { c.policy.health.passive->healthy_after = 9; },
      [](Config& c) {
        c.policy.health.passive->down_retry_after = absl::Seconds(9);
      },
      [](Config& c) {
        c.policy.health.passive->max_down_retry_after = absl::Seconds(9);
      },
      [](Config& c) {
        c.policy.health.passive->overloaded_for = absl::Seconds(9);
      },
      [](Config& c) { c.policy.health.passive->failure_rate.reset(); },
      [](Config& c) { c.policy.health.passive->failure_rate->threshold = 1; },
      [](Config& c) {
        c.policy.health.passive->failure_rate->window = absl::Seconds(9);
      },
      [](Config& c) { c.policy.health.passive->failure_rate->min_calls = 1; },
      [](Config& c) { c.policy.health.passive->max_ejected_percent = 1; },
      [](Config& c) { c.policy.health.panic_percent = 1; },
      [](Config& c) { c.policy.health.slow_start = absl::Seconds(1); },
      [](Config& c) { c.policy.pool.min = 0; },
      [](Config& c) { c.policy.pool.max = 2; },
      [](Config& c) { c.policy.pool.idle_timeout = absl::Seconds(1); },
      [](Config& c) { c.policy.pool.max_streams_per_connection = 1; },
      [](Config& c) { c.policy.max_requests_per_backend = 1; },
      [](Config& c) { c.policy.max_request_metadata = 1; },
      [](Config& c) { c.routing.routes[0].method = "x"; },
      [](Config& c) { c.routing.routes[0].service = "x"; },
      [](Config& c) { c.routing.routes[0].role = "x"; },
      [](Config& c) {
        c.routing.routes[0].when_unavailable = WhenUnavailable::kAny;
      },
      [](Config& c) { c.routing.routes[0].fallback_role = "x"; },
      [](Config& c) { c.routing.routes[0].retry = RetryMode::kNever; },
      [](Config& c) { c.routing.sticky_key.reset(); },
      [](Config& c) { c.routing.sticky_key->header = "x"; },
      [](Config& c) { c.routing.sticky_key->request_field = "x"; },
  };
  EXPECT_EQ(FullConfig(), FullConfig());
  for (size_t i = 0; i < changes.size(); ++i) {
    Config changed = FullConfig();
    changes[i](changed);
    EXPECT_FALSE(changed == FullConfig()) << "change " << i;
  }
}

}  // namespace
}  // namespace multi_backend

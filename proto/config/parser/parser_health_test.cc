// Tests the fields about health, connection pools, backlogs and limits.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/proto/config/testing/config_table.h"

namespace multi_backend {
namespace {

std::string HealthJson(absl::string_view fields) {
  return PolicyJson(absl::StrCat("\"health\":{", fields, "}"));
}

std::string ActiveJson(absl::string_view fields) {
  return HealthJson(absl::StrCat("\"active\":{", fields, "}"));
}

std::string PassiveJson(absl::string_view fields) {
  return HealthJson(absl::StrCat("\"passive\":{", fields, "}"));
}

std::string PoolJson(absl::string_view fields) {
  return PolicyJson(absl::StrCat("\"pool\":{", fields, "}"));
}

std::string BacklogJson(absl::string_view fields) {
  return PolicyJson(absl::StrCat("\"backlog\":{", fields, "}"));
}

// Reads a document that is valid even in strict validation.
PolicyConfig Read(const std::string& json) {
  auto parsed = ParseServiceConfig(json, {true});
  EXPECT_TRUE(parsed.ok()) << parsed.status() << json;
  return parsed.ok() ? std::move(parsed->config.policy) : PolicyConfig();
}

TEST(ConfigParserHealthTest, AFieldOfTheWrongTypeIsNamed) {
  ConfigTable table;
  table.Add("health is a boolean", PolicyJson(R"("health":true)"),
            "field:health error:is not an object");
  table.Add("active is a boolean", HealthJson(R"("active":true)"),
            "field:health.active error:is not an object");
  table.Add("passive is a list", HealthJson(R"("passive":[])"),
            "field:health.passive error:is not an object");
  table.Add("panicThreshold is a text", HealthJson(R"("panicThreshold":"50%")"),
            "field:health.panicThreshold error:is not a number");
  table.Add("panicThreshold is a fraction",
            HealthJson(R"("panicThreshold":0.5)"),
            "field:health.panicThreshold error:is not an integer");
  table.Add("slowStart is a number", HealthJson(R"("slowStart":10)"),
            "field:health.slowStart error:is not a string");
  table.Add("an unknown probe", ActiveJson(R"("probe":"grpc")"),
            "field:health.active.probe error:\"grpc\" is not one of GRPC, "
            "HTTP, TCP");
  table.Add("interval without its unit", ActiveJson(R"("interval":"5")"),
            "field:health.active.interval error:\"5\" is not a duration like "
            "\"1.5s\"");
  table.Add("an unknown answer to UNIMPLEMENTED",
            ActiveJson(R"("unimplemented":"UNKNOWN")"),
            "field:health.active.unimplemented error:\"UNKNOWN\" is not one of "
            "HEALTHY, UNHEALTHY");
  table.Add("a port by name", ActiveJson(R"("probe":"TCP","port":"http")"),
            "field:health.active.port error:is not a number");
  table.Add("failureRate is a number", PassiveJson(R"("failureRate":0.5)"),
            "field:health.passive.failureRate error:is not an object");
  table.Add("threshold is a text",
            PassiveJson(R"("failureRate":{"threshold":"50%"})"),
            "field:health.passive.failureRate.threshold error:is not a number");
  table.Add("pool is a number", PolicyJson(R"("pool":4)"),
            "field:pool error:is not an object");
  table.Add("max is a fraction", PoolJson(R"("max":1.5)"),
            "field:pool.max error:is not an integer");
  table.Add("backlog is a number", PolicyJson(R"("backlog":1000)"),
            "field:backlog error:is not an object");
  table.Add("limit is huge", BacklogJson(R"("limit":1e18)"),
            "field:backlog.limit error:is too large");
  table.Add("maxRequestsPerBackend is a text",
            PolicyJson(R"("maxRequestsPerBackend":"100")"),
            "field:maxRequestsPerBackend error:is not a number");
  table.Expect();
}

TEST(ConfigParserHealthTest, AProbeThatBreaksARuleIsNamed) {
  const std::string at = "field:health.active.";
  const std::string in_a_row = " error:must be from 1 to 1000";
  ConfigTable table;
  table.Add("interval below 10 ms", ActiveJson(R"("interval":"0.009s")"),
            at + "interval error:must be from 0.01s to 3600s");
  table.Add("interval above an hour", ActiveJson(R"("interval":"3601s")"),
            at + "interval error:must be from 0.01s to 3600s");
  table.Add("timeout zero", ActiveJson(R"("timeout":"0s")"),
            at + "timeout error:must be from 0.001s to 3600s");
  table.Add("unhealthyAfter zero", ActiveJson(R"("unhealthyAfter":0)"),
            at + "unhealthyAfter" + in_a_row);
  table.Add("unhealthyAfter above a thousand",
            ActiveJson(R"("unhealthyAfter":1001)"),
            at + "unhealthyAfter" + in_a_row);
  table.Add("healthyAfter below zero", ActiveJson(R"("healthyAfter":-1)"),
            at + "healthyAfter" + in_a_row);
  table.Add("healthyAfter of 33 bits",
            ActiveJson(R"("healthyAfter":4294967298)"),
            at + "healthyAfter" + in_a_row);
  table.Add(
      "a long service",
      ActiveJson(absl::StrCat(R"("service":")", std::string(257, 's'), "\"")),
      at + "service error:is longer than 256 bytes");
  table.Add("a service for HTTP",
            ActiveJson(R"("probe":"HTTP","service":"users.Users")"),
            at + "service error:only for probe GRPC");
  table.Add("the empty service for TCP",
            ActiveJson(R"("probe":"TCP","service":"")"),
            at + "service error:only for probe GRPC");
  table.Add("unimplemented for HTTP",
            ActiveJson(R"("probe":"HTTP","unimplemented":"HEALTHY")"),
            at + "unimplemented error:only for probe GRPC");
  table.Add("a path for the default probe", ActiveJson(R"("path":"/healthz")"),
            at + "path error:only for probe HTTP");
  table.Add("a path for TCP", ActiveJson(R"("probe":"TCP","path":"/")"),
            at + "path error:only for probe HTTP");
  table.Add("a port for the default probe", ActiveJson(R"("port":80)"),
            at + "port error:only for probe HTTP or TCP");
  table.Add("port 0", ActiveJson(R"("probe":"TCP","port":0)"),
            at + "port error:must be from 1 to 65535");
  table.Add("port 65536", ActiveJson(R"("probe":"HTTP","port":65536)"),
            at + "port error:must be from 1 to 65535");
  table.Add("an empty path", ActiveJson(R"("probe":"HTTP","path":"")"),
            at + "path error:must begin with \"/\"");
  table.Add("a path without a slash",
            ActiveJson(R"("probe":"HTTP","path":"healthz")"),
            at + "path error:must begin with \"/\"");
  table.Add("a path that ends the request line",
            ActiveJson(R"("probe":"HTTP","path":"/ HTTP/1.1\r\nX: y")"),
            at + "path error:must be printable ASCII without spaces");
  table.Add("a path that is not ASCII",
            ActiveJson(R"("probe":"HTTP","path":"/é")"),
            at + "path error:must be printable ASCII without spaces");
  table.Add("a long path",
            ActiveJson(absl::StrCat(R"("probe":"HTTP","path":"/)",
                                    std::string(1024, 'p'), "\"")),
            at + "path error:is longer than 1024 bytes");
  table.Add("options of an unreadable probe",
            ActiveJson(R"("probe":"UDP","path":"/","port":1,"service":"s")"),
            at + "probe error:\"UDP\" is not one of GRPC, HTTP, TCP");
  table.Expect();
}

TEST(ConfigParserHealthTest, APassiveRuleThatBreaksARuleIsNamed) {
  const std::string at = "field:health.passive.";
  ConfigTable table;
  table.Add("unhealthyAfter zero", PassiveJson(R"("unhealthyAfter":0)"),
            at + "unhealthyAfter error:must be from 1 to 1000");
  table.Add("healthyAfter above a thousand",
            PassiveJson(R"("healthyAfter":1001)"),
            at + "healthyAfter error:must be from 1 to 1000");
  table.Add("downRetryAfter below 10 ms",
            PassiveJson(R"("downRetryAfter":"0.0099s")"),
            at + "downRetryAfter error:must be from 0.01s to 3600s");
  table.Add("maxDownRetryAfter above an hour",
            PassiveJson(R"("maxDownRetryAfter":"3600.5s")"),
            at + "maxDownRetryAfter error:must be from 0.01s to 3600s");
  table.Add(
      "maxDownRetryAfter below downRetryAfter",
      PassiveJson(R"("downRetryAfter":"2s","maxDownRetryAfter":"1.999s")"),
      at + "maxDownRetryAfter error:must be >= health.passive.downRetryAfter");
  table.Add(
      "maxDownRetryAfter below the default of downRetryAfter",
      PassiveJson(R"("maxDownRetryAfter":"0.5s")"),
      at + "maxDownRetryAfter error:must be >= health.passive.downRetryAfter");
  table.Add("maxDownRetryAfter with an unreadable downRetryAfter",
            PassiveJson(R"("downRetryAfter":1,"maxDownRetryAfter":"0.5s")"),
            at + "downRetryAfter error:is not a string");
  table.Add("overloadedFor zero", PassiveJson(R"("overloadedFor":"0s")"),
            at + "overloadedFor error:must be from 0.001s to 3600s");
  table.Add("maxEjectedPercent above 100",
            PassiveJson(R"("maxEjectedPercent":101)"),
            at + "maxEjectedPercent error:must be from 0 to 100");
  table.Add("maxEjectedPercent below zero",
            PassiveJson(R"("maxEjectedPercent":-1)"),
            at + "maxEjectedPercent error:must be from 0 to 100");
  const std::string rate = at + "failureRate.";
  for (const char* other : {R"("unhealthyAfter":3)", R"("failureRate":{})",
                            R"("overloadedFor":"1s","maxEjectedPercent":10)"}) {
    table.Add(absl::StrCat("off with ", other),
              PassiveJson(absl::StrCat(R"("enabled":false,)", other)),
              at + "enabled error:false leaves the other fields of "
                   "health.passive without effect: leave them out");
  }
  table.Add("enabled is a text", PassiveJson(R"("enabled":"no")"),
            at + "enabled error:is not true or false");
  table.Add("threshold zero", PassiveJson(R"("failureRate":{"threshold":0})"),
            rate + "threshold error:must be from 0.01 to 1");
  table.Add("threshold in percent",
            PassiveJson(R"("failureRate":{"threshold":50})"),
            rate + "threshold error:must be from 0.01 to 1");
  table.Add("window zero", PassiveJson(R"("failureRate":{"window":"0s"})"),
            rate + "window error:must be from 0.01s to 3600s");
  table.Add("minCalls zero", PassiveJson(R"("failureRate":{"minCalls":0})"),
            rate + "minCalls error:must be from 1 to 1000000");
  table.Add("minCalls above a million",
            PassiveJson(R"("failureRate":{"minCalls":1000001})"),
            rate + "minCalls error:must be from 1 to 1000000");
  table.Add("panicThreshold above 100", HealthJson(R"("panicThreshold":101)"),
            "field:health.panicThreshold error:must be from 0 to 100");
  table.Add("panicThreshold below zero", HealthJson(R"("panicThreshold":-1)"),
            "field:health.panicThreshold error:must be from 0 to 100");
  table.Add("slowStart below zero", HealthJson(R"("slowStart":"-1s")"),
            "field:health.slowStart error:must be from 0s to 3600s");
  table.Add("slowStart above an hour", HealthJson(R"("slowStart":"3601s")"),
            "field:health.slowStart error:must be from 0s to 3600s");
  table.Expect();
}

TEST(ConfigParserHealthTest, APoolThatBreaksARuleIsNamed) {
  ConfigTable table;
  table.Add("min zero", PoolJson(R"("min":0)"),
            "field:pool.min error:must be from 1 to 1000");
  // The default of max grows with min, so there is only one error.
  table.Add("min above a thousand", PoolJson(R"("min":1001)"),
            "field:pool.min error:must be from 1 to 1000");
  table.Add("max zero", PoolJson(R"("max":0)"),
            "field:pool.max error:must be from 1 to 1000");
  table.Add("max above a thousand", PoolJson(R"("max":1001)"),
            "field:pool.max error:must be from 1 to 1000");
  table.Add("max below min", PoolJson(R"("min":3,"max":2)"),
            "field:pool.max error:must be >= pool.min");
  table.Add("max with an unreadable min", PoolJson(R"("min":"3","max":2)"),
            "field:pool.min error:is not a number");
  table.Add("idleTimeout zero", PoolJson(R"("idleTimeout":"0s")"),
            "field:pool.idleTimeout error:must be from 0.001s to 3600s");
  table.Add("maxStreamsPerConnection zero",
            PoolJson(R"("maxStreamsPerConnection":0)"),
            "field:pool.maxStreamsPerConnection error:must be from 1 to "
            "1000000");
  table.Add("maxStreamsPerConnection above a million",
            PoolJson(R"("maxStreamsPerConnection":1000001)"),
            "field:pool.maxStreamsPerConnection error:must be from 1 to "
            "1000000");
  table.Add("maxRequestsPerBackend below zero",
            PolicyJson(R"("maxRequestsPerBackend":-1)"),
            "field:maxRequestsPerBackend error:must be from 0 to 1000000");
  table.Add("maxRequestsPerBackend above a million",
            PolicyJson(R"("maxRequestsPerBackend":1000001)"),
            "field:maxRequestsPerBackend error:must be from 0 to 1000000");
  table.Expect();
}

TEST(ConfigParserHealthTest, ABacklogThatBreaksARuleIsNamed) {
  ConfigTable table;
  table.Add("limit zero", BacklogJson(R"("limit":0)"),
            "field:backlog.limit error:must be from 1 to 10000");
  table.Add("limit above ten thousand", BacklogJson(R"("limit":10001)"),
            "field:backlog.limit error:must be from 1 to 10000");
  table.Add("timeout zero", BacklogJson(R"("timeout":"0s")"),
            "field:backlog.timeout error:must be from 0.001s to 3600s");
  table.Add("overloadTimeout above an hour",
            BacklogJson(R"("overloadTimeout":"7200s")"),
            "field:backlog.overloadTimeout error:must be from 0.001s to 3600s");
  table.Add("in a role", PolicyJson(R"("roles":{"r":{"backlog":{"limit":0}}})"),
            "field:roles[\"r\"].backlog.limit error:must be from 1 to 10000");
  table.Add("in a member",
            PolicyJson(R"("members":[{"name":"a","backlog":{"limit":0}}])"),
            "field:members[0].backlog.limit error:must be from 1 to 10000");
  table.Expect();
}

TEST(ConfigParserHealthTest, APathOfTheTreeHoldsOneBacklog) {
  const auto second = [](absl::string_view path, absl::string_view above) {
    return absl::StrCat("field:", path,
                        " error:must be the only one on its path, but ", above,
                        " is above it");
  };
  ConfigTable table;
  table.Add("root and member", PolicyJson(R"("backlog":{},
                          "members":[{"name":"a"},{"name":"b","backlog":{}}])"),
            second("members[1].backlog", "backlog"));
  table.Add("root and a member's member", PolicyJson(R"("backlog":{},"members":[
                          {"name":"a","members":[{"name":"b","backlog":{}}]}])"),
            second("members[0].members[0].backlog", "backlog"));
  table.Add("member and its member",
            PolicyJson(R"("members":[{"name":"a","backlog":{},
                          "members":[{"name":"b","backlog":{}}]}])"),
            second("members[0].members[0].backlog", "members[0].backlog"));
  table.Add("three on one path: each names the first",
            PolicyJson(R"("backlog":{},"members":[{"name":"a","backlog":{},
                          "members":[{"name":"b","backlog":{}}]}])"),
            second("members[0].backlog", "backlog") + "; " +
                second("members[0].members[0].backlog", "backlog"));
  table.Add("a role and its member", PolicyJson(R"("roles":{"r":{"backlog":{},
                          "members":[{"name":"a","backlog":{}}]}})"),
            second("roles[\"r\"].members[0].backlog", "roles[\"r\"].backlog"));
  table.Expect();
}

TEST(ConfigParserHealthTest, EachPathOfEachTreeMayHoldABacklog) {
  const PolicyConfig policy = Read(PolicyJson(R"(
      "members": [{"name": "a", "backlog": {"limit": 1}},
                  {"name": "b", "members": [
                     {"name": "c", "backlog": {"limit": 2}},
                     {"name": "d", "backlog": {"limit": 3}}]}],
      "roles": {"r": {"backlog": {"limit": 4}},
                "s": {"members": [{"name": "e", "backlog": {"limit": 5}}]}})"));
  ASSERT_EQ(policy.root.members.size(), 2u);
  EXPECT_EQ(policy.root.backlog, absl::nullopt);
  EXPECT_EQ(policy.root.members[0].backlog->limit, 1);
  EXPECT_EQ(policy.root.members[1].backlog, absl::nullopt);
  EXPECT_EQ(policy.root.members[1].members[0].backlog->limit, 2);
  EXPECT_EQ(policy.root.members[1].members[1].backlog->limit, 3);
  EXPECT_EQ(policy.roles.at("r").backlog->limit, 4);
  EXPECT_EQ(policy.roles.at("s").members[0].backlog->limit, 5);
  // The tree of a role is not below the root, so both may have a backlog.
  const PolicyConfig both =
      Read(PolicyJson(R"("backlog":{},"roles":{"r":{"backlog":{}}})"));
  EXPECT_TRUE(both.root.backlog.has_value());
  EXPECT_TRUE(both.roles.at("r").backlog.has_value());
}

TEST(ConfigParserHealthTest, AllErrorsComeAtOnceByPath) {
  ConfigTable table;
  table.Add("one of each",
            PolicyJson(R"("health":{"active":{"probe":"TCP","path":"x"},
                                    "passive":{"unhealthyAfter":0},
                                    "panicThreshold":200},
                          "pool":{"min":5,"max":4},"backlog":{"limit":0},
                          "maxRequestsPerBackend":-5)"),
            "field:backlog.limit error:must be from 1 to 10000; "
            "field:health.active.path errors:[only for probe HTTP; "
            "must begin with \"/\"]; "
            "field:health.panicThreshold error:must be from 0 to 100; "
            "field:health.passive.unhealthyAfter error:must be from 1 to 1000; "
            "field:maxRequestsPerBackend error:must be from 0 to 1000000; "
            "field:pool.max error:must be >= pool.min");
  table.Expect();
}

TEST(ConfigParserHealthTest, UnknownKeysAreNamedInStrictValidationOnly) {
  const std::string json =
      PolicyJson(R"("health":{"x":1,"active":{"Interval":"1s"},
                              "passive":{"failureRate":{"min_calls":1}}},
                    "pool":{"idle":"1s"},"backlog":{"max":1})");
  const auto ignored = ParseServiceConfig(json);
  ASSERT_TRUE(ignored.ok()) << ignored.status();
  PolicyConfig want;
  want.health.active.emplace();
  want.health.passive.emplace().failure_rate.emplace();
  want.pool.max = 10;
  want.root.backlog.emplace();
  EXPECT_EQ(ignored->config.policy, want);
  ConfigTable table;
  table.Add(
      "everywhere", json,
      "field:backlog.max error:unknown field; "
      "field:health.active.Interval error:unknown field, did you mean "
      "\"interval\"?; "
      "field:health.passive.failureRate.min_calls error:unknown field, did you "
      "mean \"minCalls\"?; "
      "field:health.x error:unknown field; "
      "field:pool.idle error:unknown field, did you mean \"idleTimeout\"?");
  table.Expect({true});
}

TEST(ConfigParserHealthTest,
     APartIsOnWhenItsKeyIsGivenAndFailedCallsCountAnyway) {
  EXPECT_EQ(Read(PolicyJson("")), PolicyConfig());
  EXPECT_EQ(Read(PolicyJson(R"("health":{})")), PolicyConfig());
  EXPECT_EQ(Read(HealthJson(R"("active":null,"passive":null)")),
            PolicyConfig());
  EXPECT_EQ(Read(HealthJson(R"("active":{})")).health.active,
            ActiveHealthConfig());
  EXPECT_EQ(Read(HealthJson(R"("active":{})")).health.passive,
            PassiveHealthConfig());
  EXPECT_EQ(Read(HealthJson(R"("passive":{})")).health.passive,
            PassiveHealthConfig());
  EXPECT_EQ(Read(PassiveJson(R"("enabled":true)")).health.passive,
            PassiveHealthConfig());
  EXPECT_EQ(Read(PassiveJson(R"("enabled":false)")).health.passive,
            absl::nullopt);
  EXPECT_EQ(
      Read(PassiveJson(R"("failureRate":{})")).health.passive->failure_rate,
      FailureRateConfig());
  EXPECT_EQ(Read(BacklogJson("")).root.backlog, BacklogConfig());
}

TEST(ConfigParserHealthTest, OneConnectionUnlessAPoolIsGiven) {
  const auto sizes = [](const std::string& json) {
    const ConnectionPoolConfig pool = Read(json).pool;
    return std::make_pair(pool.min, pool.max);
  };
  EXPECT_EQ(sizes(PolicyJson("")), std::make_pair(1, 1));
  EXPECT_EQ(sizes(PoolJson("")), std::make_pair(1, 10));
  EXPECT_EQ(sizes(PoolJson(R"("min":3)")), std::make_pair(3, 10));
  EXPECT_EQ(sizes(PoolJson(R"("min":20)")), std::make_pair(20, 20));
  EXPECT_EQ(sizes(PoolJson(R"("max":4)")), std::make_pair(1, 4));
  EXPECT_EQ(sizes(PoolJson(R"("min":4,"max":4)")), std::make_pair(4, 4));
}

TEST(ConfigParserHealthTest, ABackendsPoolReplacesTheChannelsAsAWhole) {
  const PolicyConfig policy = Read(PolicyJson(
      R"("pool":{"min":3,"max":7,"idleTimeout":"9s"},
         "backends":[{"address":"10.0.0.1:1"},
                     {"address":"10.0.0.2:1","pool":{}},
                     {"address":"10.0.0.3:1","pool":{"min":2,"max":2,
                      "idleTimeout":"1s","maxStreamsPerConnection":5}}])"));
  EXPECT_EQ(policy.backends[0].pool, absl::nullopt);
  ConnectionPoolConfig pool;
  pool.max = 10;
  EXPECT_EQ(policy.backends[1].pool, pool);
  EXPECT_EQ(policy.backends[2].pool,
            (ConnectionPoolConfig{2, 2, absl::Seconds(1), 5}));
}

TEST(ConfigParserHealthTest, ABackendsPoolThatBreaksARuleIsNamed) {
  const auto backend = [](absl::string_view pool) {
    return PolicyJson(absl::StrCat(
        R"("backends":[{"address":"10.0.0.1:1","pool":{)", pool, "}}]"));
  };
  const std::string at = "field:backends[0].pool.";
  ConfigTable table;
  table.Add("min zero", backend(R"("min":0)"),
            at + "min error:must be from 1 to 1000");
  table.Add("max above", backend(R"("max":1001)"),
            at + "max error:must be from 1 to 1000");
  table.Add("max below min", backend(R"("min":3,"max":2)"),
            at + "max error:must be >= backends[0].pool.min");
  table.Add("idleTimeout zero", backend(R"("idleTimeout":"0s")"),
            at + "idleTimeout error:must be from 0.001s to 3600s");
  table.Add("maxStreamsPerConnection zero",
            backend(R"("maxStreamsPerConnection":0)"),
            at + "maxStreamsPerConnection error:must be from 1 to 1000000");
  table.Expect();
  ConfigTable strict;
  strict.Add("unknown", backend(R"("maximum":2)"),
             at + "maximum error:unknown field, did you mean \"max\"?");
  strict.Expect({true});
}

TEST(ConfigParserHealthTest, TheLongestPauseIsNoShorterThanTheFirst) {
  const auto longest = [](absl::string_view fields) {
    return Read(PassiveJson(fields)).health.passive->max_down_retry_after;
  };
  EXPECT_EQ(longest(R"("downRetryAfter":"30s")"), absl::Seconds(30));
  EXPECT_EQ(longest(R"("downRetryAfter":"31s")"), absl::Seconds(31));
  EXPECT_EQ(longest(R"("maxDownRetryAfter":"1s")"), absl::Seconds(1));
}

TEST(ConfigParserHealthTest, EveryFieldArrivesWhereItBelongs) {
  const PolicyConfig policy = Read(PolicyJson(R"(
      "health": {
        "active": {"probe": "GRPC", "interval": "0.5s", "timeout": "0.25s",
                   "unhealthyAfter": 4, "healthyAfter": 5,
                   "service": "users.Users", "unimplemented": "UNHEALTHY"},
        "passive": {"unhealthyAfter": 6, "healthyAfter": 7,
                    "downRetryAfter": "1.5s", "maxDownRetryAfter": "90s",
                    "overloadedFor": "2.5s",
                    "failureRate": {"threshold": 0.25, "window": "20s",
                                    "minCalls": 8},
                    "maxEjectedPercent": 40},
        "panicThreshold": 30, "slowStart": "12s"},
      "pool": {"min": 2, "max": 9, "idleTimeout": "45s",
               "maxStreamsPerConnection": 250},
      "backlog": {"limit": 77, "timeout": "3s", "overloadTimeout": "2s"},
      "maxRequestsPerBackend": 55)"));
  PolicyConfig want;
  ActiveHealthConfig& active = want.health.active.emplace();
  active.interval = absl::Milliseconds(500);
  active.timeout = absl::Milliseconds(250);
  active.unhealthy_after = 4;
  active.healthy_after = 5;
  active.service = "users.Users";
  active.unimplemented_is_healthy = false;
  PassiveHealthConfig& passive = want.health.passive.emplace();
  passive.unhealthy_after = 6;
  passive.healthy_after = 7;
  passive.down_retry_after = absl::Milliseconds(1500);
  passive.max_down_retry_after = absl::Seconds(90);
  passive.overloaded_for = absl::Milliseconds(2500);
  passive.failure_rate = {0.25, absl::Seconds(20), 8};
  passive.max_ejected_percent = 40;
  want.health.panic_percent = 30;
  want.health.slow_start = absl::Seconds(12);
  want.pool = {2, 9, absl::Seconds(45), 250};
  want.root.backlog = {77, absl::Seconds(3), absl::Seconds(2)};
  want.max_requests_per_backend = 55;
  EXPECT_EQ(policy, want);
}

TEST(ConfigParserHealthTest, EveryKindOfProbeIsReadWithItsOptions) {
  const auto active = [](absl::string_view fields) {
    return *Read(ActiveJson(fields)).health.active;
  };
  ActiveHealthConfig want;
  EXPECT_EQ(active(R"("unimplemented":"HEALTHY")"), want);
  want.probe = ProbeKind::kTcp;
  EXPECT_EQ(active(R"("probe":"TCP")"), want);
  want.port = 65535;
  EXPECT_EQ(active(R"("probe":"TCP","port":65535)"), want);
  want.probe = ProbeKind::kHttp;
  want.port = 1;
  want.path = "/health?deep=1";
  EXPECT_EQ(active(R"("probe":"HTTP","port":1,"path":"/health?deep=1")"), want);
}

TEST(ConfigParserHealthTest, TheBoundsThemselvesAreLegal) {
  for (const std::string& json :
       {ActiveJson(R"("interval":"0.01s","timeout":"0.001s",
                      "unhealthyAfter":1,"healthyAfter":1)"),
        ActiveJson(R"("interval":"3600s","timeout":"3600s",
                      "unhealthyAfter":1000,"healthyAfter":1000)"),
        ActiveJson(absl::StrCat(R"("probe":"HTTP","path":"/)",
                                std::string(1023, 'p'), "\"")),
        ActiveJson(absl::StrCat(R"("service":")", std::string(256, 's'), "\"")),
        PassiveJson(R"("downRetryAfter":"0.01s","maxDownRetryAfter":"0.01s",
                       "overloadedFor":"0.001s","maxEjectedPercent":0)"),
        PassiveJson(R"("downRetryAfter":"3600s","maxEjectedPercent":100,
                       "failureRate":{"threshold":0.01,"window":"0.01s",
                                      "minCalls":1})"),
        PassiveJson(R"("failureRate":{"threshold":1,"window":"3600s",
                                      "minCalls":1000000})"),
        HealthJson(R"("panicThreshold":100,"slowStart":"3600s")"),
        HealthJson(R"("panicThreshold":0,"slowStart":"0s")"),
        PoolJson(R"("min":1000,"max":1000,"idleTimeout":"3600s",
                    "maxStreamsPerConnection":1000000)"),
        PoolJson(R"("min":1,"max":1,"idleTimeout":"0.001s",
                    "maxStreamsPerConnection":1)"),
        BacklogJson(R"("limit":1,"timeout":"0.001s",
                       "overloadTimeout":"0.001s")"),
        BacklogJson(R"("limit":10000,"timeout":"3600s",
                       "overloadTimeout":"3600s")"),
        PolicyJson(R"("maxRequestsPerBackend":1000000)")}) {
    EXPECT_EQ(ParseServiceConfig(json, {true}).status(), absl::OkStatus())
        << json.substr(0, 100);
  }
}

// Every text with one byte changed is either read or refused with a message.
TEST(ConfigParserHealthTest, ADamagedTextIsReadOrRefused) {
  const std::string json = PolicyJson(
      R"("health":{"active":{"probe":"HTTP","path":"/a?b","port":81,)"
      R"("interval":"0.5s"},"passive":{"failureRate":{"threshold":0.5},)"
      R"("maxDownRetryAfter":"9s"},"panicThreshold":30},"pool":{"min":1,)"
      R"("max":4},"roles":{"r":{"backlog":{"limit":10}}})");
  ASSERT_EQ(ParseServiceConfig(json, {true}).status(), absl::OkStatus());
  const std::string bytes("\0\n\"{[:,09e-", 11);
  for (size_t at = 0; at < json.size(); ++at) {
    for (char byte : bytes) {
      std::string damaged = json;
      damaged[at] = byte;
      const auto parsed = ParseServiceConfig(damaged, {true});
      EXPECT_NE(parsed.status().code(), absl::StatusCode::kInternal)
          << damaged << parsed.status();
    }
  }
}

TEST(ConfigParserHealthTest, ALimitOfMetadataThatBreaksARuleIsNamed) {
  ConfigTable table;
  for (const char* size : {"-1", "0", "1023", "16777217"}) {
    table.Add(absl::StrCat("maxRequestMetadata ", size),
              PolicyJson(absl::StrCat("\"maxRequestMetadata\":", size)),
              "field:maxRequestMetadata error:must be from 1024 to 16777216");
  }
  table.Add("maxRequestMetadata is a text",
            PolicyJson(R"("maxRequestMetadata":"8192")"),
            "field:maxRequestMetadata error:is not a number");
  table.Expect();
}

}  // namespace
}  // namespace multi_backend

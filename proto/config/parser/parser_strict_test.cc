// What the parser tells to tools that check configurations: unknown fields, and
// errors one by one.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/proto/config/testing/config_table.h"

namespace multi_backend {
namespace {

TEST(ConfigParserStrictTest, StrictNamesUnknownFieldsAndRunTimeIgnoresThem) {
  ParseOptions strict;
  strict.strict = true;
  const std::string json =
      R"({"name":"gRPC's own","loadBalancingConfig":[{"multi_backend":{
            "Strategy":"RANDOM","health":{"activ":{}},"pool":{"Max":1},
            "backlog":{"limits":1},"maxRequests":1,
            "failover":{"max_retries":1},
            "roles":{"a":{"x":null}},
            "members":[{"name":"a","select":{"Zone":1},"members":[
                        {"name":"b","odd\nkey":1}]}]}}],
          "multiBackend":{"routes":[{"match":{"path":"x"},"timeout":1}]}})";
  const auto ignored = ParseServiceConfig(json);
  ASSERT_TRUE(ignored.ok()) << ignored.status();
  EXPECT_EQ(ignored->config.policy.root.strategy, StrategyKind::kRoundRobin);
  EXPECT_EQ(ignored->config.policy.failover, FailoverConfig());
  EXPECT_EQ(ignored->config.policy.health, HealthConfig());
  EXPECT_EQ(ignored->config.policy.root.backlog, BacklogConfig());
  ConfigTable table;
  table.Add(
      "everywhere", json,
      "field:Strategy error:unknown field, did you mean \"strategy\"?; "
      "field:backlog.limits error:unknown field, did you mean \"limit\"?; "
      "field:failover.max_retries error:unknown field, did you mean "
      "\"maxRetries\"?; "
      "field:health.activ error:unknown field, did you mean \"active\"?; "
      "field:maxRequests error:unknown field, did you mean "
      "\"maxRequestsPerBackend\"?; "
      "field:members[0].members[0].odd\\nkey error:unknown field; "
      "field:members[0].select.Zone error:unknown field, did you mean "
      "\"zone\"?; "
      "field:pool.Max error:unknown field, did you mean \"max\"?; "
      "field:roles[\"a\"].x error:unknown field; "
      "field:routes[0].match.path error:unknown field; "
      "field:routes[0].timeout error:unknown field");
  table.Expect(strict);
}

TEST(ConfigParserStrictTest, ErrorsAreThereOneByOne) {
  FieldErrors errors;
  const auto parsed = ParseServiceConfig(
      R"({"loadBalancingConfig":[{"multi_backend":{
           "strategy":"BEST","failover":{"maxRetries":9,"retries":1}}}]})",
      {/*strict=*/true}, errors);
  EXPECT_FALSE(parsed.ok());
  std::vector<std::string> fields;
  for (const auto& error : errors.by_field()) fields.push_back(error.first);
  EXPECT_EQ(fields, (std::vector<std::string>{"failover.maxRetries",
                                              "failover.retries", "strategy"}));

  FieldErrors none;
  EXPECT_FALSE(ParseServiceConfig("{", {}, none).ok());
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace multi_backend

// Service configs through CreateChannel: every error comes back with its field
// path, gRPC's own part is checked too, and warnings reach the log only.

#include <grpcpp/grpcpp.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/proto/config/strategy_kind.h"
#include "multi_backend/tests/testing/grpc_log.h"

namespace multi_backend {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::Status StatusOf(const std::string& service_config) {
  ChannelOptions options;
  options.service_config_json = service_config;
  return multi_backend::CreateChannel("static:///127.0.0.1:1",
                                      grpc::InsecureChannelCredentials(),
                                      std::move(options))
      .status();
}

struct BadConfig {
  const char* name;
  const char* json;
  std::string message;
};

void PrintTo(const BadConfig& row, std::ostream* out) { *out << row.name; }

class BadConfigTest : public testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithTheFieldPath) {
  const absl::Status status = StatusOf(GetParam().json);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), GetParam().message);
}

// gRPC's own part is for the channel, so the interceptor does not look at it.
TEST_P(BadConfigTest, IsRefusedByTheInterceptorToo) {
  const absl::Status status = MakeInterceptorFactory(GetParam().json).status();
  if (absl::StartsWith(GetParam().message, "errors validating service")) {
    EXPECT_EQ(status, absl::OkStatus());
  } else {
    EXPECT_EQ(status, absl::InvalidArgumentError(GetParam().message));
  }
}

TEST(MakeInterceptorFactoryTest, WithoutOurPartThereAreNoRoutes) {
  for (const char* json : {"{}", R"({"methodConfig":[]})"}) {
    EXPECT_EQ(MakeInterceptorFactory(json).status(), absl::OkStatus());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Configs, BadConfigTest,
    testing::Values(
        BadConfig{"NoJson", "{",
                  "multi_backend config is not valid JSON: line 1, column 2: "
                  "expected a key in double quotes"},
        BadConfig{"NoObject", "[]",
                  "multi_backend config is not a JSON object"},
        BadConfig{"UnknownStrategy",
                  R"({"loadBalancingConfig":[{"multi_backend":{
                        "strategy":"FASTEST"}}]})",
                  absl::StrCat("errors validating multi_backend config: "
                               "[field:strategy error:\"FASTEST\" is not one "
                               "of ",
                               StrategyNames(), "]")},
        BadConfig{"TooManyRetries",
                  R"({"loadBalancingConfig":[{"multi_backend":{
                        "failover":{"maxRetries":5}}}]})",
                  "errors validating multi_backend config: "
                  "[field:failover.maxRetries error:must be from 0 to 4]"},
        BadConfig{"RetriesOnOk",
                  R"({"loadBalancingConfig":[{"multi_backend":{"failover":{
                        "retriableStatusCodes":["OK","NOPE"]}}}]})",
                  "errors validating multi_backend config: "
                  "[field:failover.retriableStatusCodes[0] error:OK is no "
                  "failure; field:failover.retriableStatusCodes[1] "
                  "error:\"NOPE\" is no status code]"},
        BadConfig{"DurationWithoutUnit",
                  R"({"loadBalancingConfig":[{"multi_backend":{"failover":{
                        "perTryTimeout":"5"}}}]})",
                  "errors validating multi_backend config: "
                  "[field:failover.perTryTimeout error:\"5\" is not a duration "
                  "like \"1.5s\"]"},
        BadConfig{"OptionsOfAnotherStrategy",
                  R"({"loadBalancingConfig":[{"multi_backend":{
                        "strategy":"RANDOM","sticky":{"loadBound":1.25}}}]})",
                  "errors validating multi_backend config: [field:sticky "
                  "error:only for strategy STICKY]"},
        BadConfig{
            "BadBackendAddress",
            R"({"loadBalancingConfig":[{"multi_backend":{
                        "backends":[{"address":"a:1"},{"address":"a:99999"},
                                    {"address":"a:1","weight":-1}]}}]})",
            "errors validating multi_backend config: "
            "[field:backends[1].address error:port must be 1..65535; "
            "field:backends[2].address error:duplicate of backends[0].address; "
            "field:backends[2].weight error:must be from 0 to 1000000]"},
        BadConfig{"MemberWithoutName",
                  R"({"loadBalancingConfig":[{"multi_backend":{"members":[
                        {"name":"eu"},{"select":{"zone":"us"}}]}}]})",
                  "errors validating multi_backend config: "
                  "[field:members[1].name error:is required]"},
        BadConfig{"BadRegex",
                  R"({"multiBackend":{"routes":[
                        {"match":{"method":"Get.*"},"role":"r"},
                        {"match":{"method":"("},"role":"r"}]}})",
                  "errors validating multi_backend config: "
                  "[field:routes[1].match.method error:missing ): (]"},
        BadConfig{"StickyKeyFromTwoPlaces",
                  R"({"multiBackend":{"stickyKey":{
                        "header":"x","requestField":"y"}}})",
                  "errors validating multi_backend config: [field:stickyKey "
                  "error:has both header and requestField]"},
        BadConfig{
            "ReservedHeader",
            R"({"multiBackend":{"stickyKey":{"header":"grpc-x"}}})",
            "errors validating multi_backend config: [field:stickyKey.header "
            "error:keys that begin with grpc- are reserved]"},
        BadConfig{"ErrorsOfBothPartsAtOnce",
                  R"({"loadBalancingConfig":[{"multi_backend":{
                        "failover":{"maxRetries":-1}}}],
                      "multiBackend":{"routes":[{"whenUnavailable":"ANY"}]}})",
                  "errors validating multi_backend config: "
                  "[field:failover.maxRetries error:must be from 0 to 4; "
                  "field:routes[0].whenUnavailable error:only for a route with "
                  "a role]"},
        // The rest of the text is gRPC's own.
        BadConfig{
            "BadMethodConfig",
            R"({"methodConfig":[{"name":[{"service":"s"}],
                        "timeout":"soon"}]})",
            "errors validating service config: [field:methodConfig[0].timeout "
            "error:Not a duration (no s suffix)]"},
        BadConfig{
            "BadRetryPolicy",
            R"({"methodConfig":[{"name":[{"service":"s"}],
                        "retryPolicy":{"maxAttempts":1}}]})",
            "errors validating service config: "
            "[field:methodConfig[0].retryPolicy.backoffMultiplier error:field "
            "not present; field:methodConfig[0].retryPolicy.initialBackoff "
            "error:field not present; "
            "field:methodConfig[0].retryPolicy.maxAttempts error:must be at "
            "least 2; field:methodConfig[0].retryPolicy.maxBackoff error:field "
            "not present; "
            "field:methodConfig[0].retryPolicy.retryableStatusCodes error:must "
            "be non-empty]"},
        BadConfig{
            "UnknownPolicy",
            R"({"loadBalancingConfig":[{"no_such_policy":{}}]})",
            "errors validating service config: [field:loadBalancingConfig "
            "error:No known policies in list: no_such_policy]"}),
    [](const testing::TestParamInfo<BadConfig>& info) {
      return std::string(info.param.name);
    });

// Catches the log lines about the configuration.
class LogCapture {
 public:
  std::vector<std::string> lines() const { return log_.texts(); }

 private:
  const GrpcLog log_{"multi_backend: service config"};
};

TEST(ConfigWarningsTest, ReachTheLogAndRefuseNothing) {
  const LogCapture log;
  const absl::Status status = StatusOf(
      R"({"loadBalancingConfig":[{"multi_backend":{
            "failover":{"retriableStatusCodes":["NOT_FOUND"]}}}],
          "multiBackend":{"routes":[
            {"match":{"method":"^create|update"},"role":"primary"},
            {"match":{"method":"Get.*"},"role":"replica"},
            {"match":{"method":"GetUser"},"role":"primary"}]}})");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(log.lines(),
              ElementsAre(AllOf(
                  HasSubstr("field:failover.retriableStatusCodes[0] warning:"),
                  HasSubstr("field:routes[0].match.method warning:"),
                  HasSubstr("field:routes[2] warning:"))));
}

TEST(ConfigWarningsTest, AGoodConfigurationLogsNothing) {
  const LogCapture log;
  EXPECT_TRUE(StatusOf(
                  R"({"loadBalancingConfig":[{"multi_backend":{
                        "strategy":"LEAST_BUSY"}}]})")
                  .ok());
  EXPECT_TRUE(StatusOf("").ok());
  EXPECT_THAT(log.lines(), IsEmpty());
}

struct LostRoutes {
  const char* name;
  const char* target;
  const char* policy;  // In front of the routes, in the service config.
  const char* policy_arg;
  bool http_proxy;
  const char* why;
};

void PrintTo(const LostRoutes& row, std::ostream* out) { *out << row.name; }

class LostRoutesTest : public testing::TestWithParam<LostRoutes> {};

TEST_P(LostRoutesTest, AreRefusedWithTheReason) {
  const LostRoutes& row = GetParam();
  for (const char* routing :
       {R"({"routes":[{"match":{"method":"Create.*"},"role":"primary"}]})",
        R"({"stickyKey":{"header":"x-user"}})"}) {
    ChannelOptions options;
    options.service_config_json =
        absl::StrCat("{", row.policy, R"("multiBackend":)", routing, "}");
    if (row.policy_arg != nullptr) {
      options.args.SetLoadBalancingPolicyName(row.policy_arg);
    }
    if (row.http_proxy) options.args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 1);
    const absl::Status status =
        multi_backend::CreateChannel(
            row.target, grpc::InsecureChannelCredentials(), std::move(options))
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("multiBackend"), HasSubstr(row.why)));
  }
}

constexpr char kStatic[] = "static:///127.0.0.1:1";
constexpr char kRoundRobin[] =
    "cannot be followed: the channel's LB policy is \"round_robin\"; choose "
    "multi_backend in loadBalancingConfig, or leave multiBackend out";

INSTANTIATE_TEST_SUITE_P(
    Ways, LostRoutesTest,
    testing::Values(
        LostRoutes{"AnotherPolicy", kStatic,
                   R"("loadBalancingConfig":[{"round_robin":{}}],)", nullptr,
                   false, kRoundRobin},
        LostRoutes{"AnotherPolicyFirst", "ipv4:127.0.0.1:1",
                   R"("loadBalancingConfig":[{"round_robin":{}},
                                             {"multi_backend":{}}],)",
                   nullptr, false, kRoundRobin},
        LostRoutes{"AnotherPolicyByItsOldName", kStatic,
                   R"("loadBalancingPolicy":"round_robin",)", nullptr, false,
                   kRoundRobin},
        LostRoutes{"AnotherPolicyInTheArgs", kStatic, "", "round_robin", false,
                   kRoundRobin},
        LostRoutes{"AControlPlane", "xds:///users", "", nullptr, false,
                   "the control plane chooses the policies of an xds: target"},
        LostRoutes{"AProxy", "ipv4:127.0.0.1:1", "", nullptr, true,
                   "GRPC_ARG_ENABLE_HTTP_PROXY is on"}),
    [](const testing::TestParamInfo<LostRoutes>& row) {
      return std::string(row.param.name);
    });

TEST(ServiceConfigInTheArgsTest, IsTheChannelsOwn) {
  ChannelOptions options;
  options.args.SetServiceConfigJSON(
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"FASTEST"}}]})");
  EXPECT_THAT(std::string(multi_backend::CreateChannel(
                              kStatic, grpc::InsecureChannelCredentials(),
                              std::move(options))
                              .status()
                              .message()),
              HasSubstr("\"FASTEST\" is not one of"));
}

TEST(ServiceConfigInTheArgsTest, BesideAnotherOneIsRefused) {
  ChannelOptions options;
  options.service_config_json = "{}";
  options.args.SetServiceConfigJSON("{}");
  const absl::Status status =
      multi_backend::CreateChannel(kStatic, grpc::InsecureChannelCredentials(),
                                   std::move(options))
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("there are two service configs"));
}

}  // namespace
}  // namespace multi_backend

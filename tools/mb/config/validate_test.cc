#include "multi_backend/tools/mb/config/validate.h"

#include <string>

#include "gtest/gtest.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

std::string GrpcAccepts(const std::string&) { return ""; }

v1::Validation Check(const std::string& json, bool strict = false) {
  ValidateOptions options;
  options.strict = strict;
  return Validate("users.json", json, options, GrpcAccepts);
}

constexpr char kGood[] =
    R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"RANDOM"}}]})";

TEST(ValidateTest, AGoodConfigurationIsOk) {
  const v1::Validation validation = Check(kGood, /*strict=*/true);
  EXPECT_TRUE(validation.ok());
  EXPECT_EQ(FormatValidation(validation), "users.json: ok\n");
  EXPECT_EQ(ToJson(validation),
            "{\"file\":\"users.json\",\"findings\":[],\"errors\":0,"
            "\"warnings\":0,\"ok\":true}\n");
}

constexpr char kBad[] = R"({
  "loadBalancingConfig":[{"multi_backend":{
    "strategy":"BEST","failover":{"max_retries":3,"maxRetries":9}}}],
  "multi_backend":{}, "name":"users",
  "multiBackend":{"routes":[{"match":{"method":"(Get"}}]}})";

TEST(ValidateTest, EachErrorHasALineWithItsField) {
  const v1::Validation validation = Check(kBad);
  EXPECT_FALSE(validation.ok());
  EXPECT_EQ(
      FormatValidation(validation),
      "users.json: error: failover.maxRetries: must be from 0 to 4\n"
      "users.json: error: routes[0].match.method: missing ): (Get\n"
      "users.json: error: strategy: \"BEST\" is not one of ROUND_ROBIN, "
      "WEIGHTED, LEAST_BUSY, PEAK_EWMA, STICKY, PRIMARY, RANDOM\n"
      "users.json: warning: multi_backend: unknown field, did you mean "
      "\"multiBackend\"?\n"
      "users.json: warning: name: unknown field\n"
      "users.json: warning: failover.max_retries: unknown field, did you mean "
      "\"maxRetries\"?\n"
      "users.json: 3 errors, 3 warnings\n");
}

TEST(ValidateTest, KeysThatOnlyLaterGrpcReadsAreKnown) {
  const v1::Validation validation =
      Check(R"({"connectionScaling":{"maxConnectionsPerSubchannel":2}})");
  EXPECT_EQ(validation.findings_size(), 0) << FormatValidation(validation);
}

TEST(ValidateTest, UnknownKeysAreWarningsOrStrictlyErrors) {
  const std::string json =
      R"({"loadBalancingConfig":[{"multi_backend":{"Strategy":"RANDOM"}}]})";
  const v1::Validation lax = Check(json);
  EXPECT_TRUE(lax.ok());
  EXPECT_EQ(FormatValidation(lax),
            "users.json: warning: Strategy: unknown field, did you mean "
            "\"strategy\"?\n"
            "users.json: 0 errors, 1 warning\n");
  const v1::Validation strict = Check(json, /*strict=*/true);
  EXPECT_FALSE(strict.ok());
  EXPECT_EQ(
      ToJson(strict),
      "{\"file\":\"users.json\",\"findings\":[{\"severity\":\"ERROR\","
      "\"field\":\"Strategy\",\"message\":\"unknown field, did you mean "
      "\\\"strategy\\\"?\"}],\"errors\":1,\"warnings\":0,\"ok\":false}\n");
}

TEST(ValidateTest, LintIsAWarningAndStrictlyAProblem) {
  const std::string json = R"({"multiBackend":{"routes":[
      {"match":{"method":"Get^User"}}]}})";
  EXPECT_TRUE(Check(json).ok());
  const v1::Validation strict = Check(json, /*strict=*/true);
  EXPECT_FALSE(strict.ok());
  EXPECT_EQ(strict.errors(), 0);
  EXPECT_EQ(strict.warnings(), 1);
  EXPECT_EQ(strict.findings(0).field(), "routes[0].match.method");
}

TEST(ValidateTest, ATextThatIsNoJsonIsOneErrorWithItsPlace) {
  EXPECT_EQ(
      FormatValidation(Check("{\"a\":\n  1,,}")),
      "users.json: error: is not valid JSON: line 2, column 5: expected a "
      "key in double quotes\n"
      "users.json: 1 error, 0 warnings\n");
  EXPECT_EQ(FormatValidation(Check("[]")),
            "users.json: error: is not a JSON object\n"
            "users.json: 1 error, 0 warnings\n");
  EXPECT_FALSE(Check("").ok());
}

TEST(ValidateTest, GrpcIsAskedOnlyAboutAConfigurationWithoutErrors) {
  int asked = 0;
  const auto refuse = [&asked](const std::string&) {
    ++asked;
    return std::string("methodConfig is wrong\n\x1b[2J");
  };
  const v1::Validation refused = Validate("-", kGood, {}, refuse);
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(FormatValidation(refused),
            "-: error: gRPC refuses it: methodConfig is wrong\\n\\x1b[2J\n"
            "-: 1 error, 0 warnings\n");
  EXPECT_EQ(asked, 1);
  Validate("-", kBad, {}, refuse);
  EXPECT_EQ(asked, 1);
}

TEST(ValidateTest, EachFieldThatGrpcRefusesIsAnErrorOfItsOwn) {
  const auto refuse = [](const std::string&) {
    return std::string(
        "INVALID_ARGUMENT: errors validating service config: "
        "[field:methodConfig[0].timeout error:Not a duration (no s suffix); "
        "field:retryThrottling.maxTokens errors:[not a number; too small]]");
  };
  EXPECT_EQ(FormatValidation(Validate("-", kGood, {}, refuse)),
            "-: error: methodConfig[0].timeout: Not a duration (no s suffix)\n"
            "-: error: retryThrottling.maxTokens: not a number; too small\n"
            "-: 2 errors, 0 warnings\n");
}

TEST(ValidateTest, KeysWithControlCharactersAreEscaped) {
  const v1::Validation validation = Check("{\"\\u001b[2J\":1,\"\\u202e\":1}");
  EXPECT_EQ(FormatValidation(validation),
            "users.json: warning: \\x1b[2J: unknown field\n"
            "users.json: warning: \\u202e: unknown field\n"
            "users.json: 0 errors, 2 warnings\n");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend

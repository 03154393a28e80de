#include "multi_backend/proto/service_config/complete.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/service_config/read.h"

namespace multi_backend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Complete(absl::string_view text,
                     const ServiceConfigAdditions& additions) {
  const absl::StatusOr<JsonObject> object = ReadServiceConfig(text);
  EXPECT_EQ(object.status(), absl::OkStatus()) << text;
  const std::string completed = CompleteServiceConfig(text, *object, additions);
  EXPECT_EQ(ReadServiceConfig(completed).status(), absl::OkStatus())
      << completed;
  return completed;
}

std::string WithRetry(absl::string_view text) {
  ServiceConfigAdditions additions;
  additions.retry_policy = "R";
  // "R" is no JSON, but easy to read.
  return CompleteServiceConfig(text, *ReadServiceConfig(text), additions);
}

std::string WithStrategy(absl::string_view text) {
  ServiceConfigAdditions additions;
  additions.default_strategy = StrategyKind::kPrimary;
  return Complete(text, additions);
}

TEST(CompleteServiceConfigTest, WithoutAdditionsNothingChanges) {
  for (const char* text :
       {"{}", " { \"a\" : 1 } ", R"({"methodConfig":[{"name":[{}]}]})"}) {
    EXPECT_EQ(Complete(text, {}), text);
  }
}

TEST(CompleteServiceConfigTest, ChoosesOurPolicy) {
  ServiceConfigAdditions additions;
  additions.choose_our_policy = true;
  EXPECT_EQ(Complete("{}", additions),
            R"({"loadBalancingConfig":[{"multi_backend":{}}]})");
  EXPECT_EQ(Complete(" {\"a\":1}", additions),
            R"( {"loadBalancingConfig":[{"multi_backend":{}}],"a":1})");
  additions.default_strategy = StrategyKind::kPrimary;
  EXPECT_EQ(
      Complete("{}", additions),
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"PRIMARY"}}]})");
}

TEST(CompleteServiceConfigTest, GivesAPolicyWithoutAStrategyTheDefault) {
  EXPECT_EQ(
      WithStrategy(
          R"({"loadBalancingConfig":[{"round_robin":{}},{"multi_backend":{}}]})"),
      R"({"loadBalancingConfig":[{"round_robin":{}},{"multi_backend":{"strategy":"PRIMARY"}}]})");
  EXPECT_EQ(
      WithStrategy(
          R"({"loadBalancingConfig":[{"multi_backend":{"pool":{}}}]})"),
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"PRIMARY","pool":{}}}]})");
  for (const char* settled :
       {R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"RANDOM"}}]})",
        R"({"loadBalancingConfig":[{"multi_backend":{"strategy":null}}]})",
        R"({"loadBalancingConfig":[{"multi_backend":7}]})",
        R"({"loadBalancingConfig":[]})", "{}"}) {
    EXPECT_EQ(WithStrategy(settled), settled);
  }
}

TEST(CompleteServiceConfigTest, GivesEachMethodTheRetryPolicy) {
  const struct {
    const char* text;
    const char* completed;
  } kRows[] = {
      {"{}", R"({"methodConfig":[{"name":[{}],"retryPolicy":R}]})"},
      {R"({"methodConfig":[]})",
       R"({"methodConfig":[{"name":[{}],"retryPolicy":R}]})"},
      {R"({"methodConfig":[{}]})",
       R"({"methodConfig":[{"retryPolicy":R},{"name":[{}],"retryPolicy":R}]})"},
      {R"({"methodConfig":[{"name":[{"service":"S"}]}]})",
       R"({"methodConfig":[{"retryPolicy":R,"name":[{"service":"S"}]},{"name":[{}],"retryPolicy":R}]})"},
      // An entry for all other methods is there.
      {R"({"methodConfig":[{"name":[{"service":""}],"timeout":"1s"}]})",
       R"({"methodConfig":[{"retryPolicy":R,"name":[{"service":""}],"timeout":"1s"}]})"},
      // The application's own stays.
      {R"({"methodConfig":[{"name":[{}],"retryPolicy":{}}]})",
       R"({"methodConfig":[{"name":[{}],"retryPolicy":{}}]})"},
      {R"({"methodConfig":[{"name":[{"service":"S"}],"retryPolicy":null}]})",
       R"({"methodConfig":[{"name":[{"service":"S"}],"retryPolicy":null},{"name":[{}],"retryPolicy":R}]})"},
      // gRPC's parser reports these.
      {R"({"methodConfig":7})", R"({"methodConfig":7})"},
      {R"({"methodConfig":[7]})",
       R"({"methodConfig":[7,{"name":[{}],"retryPolicy":R}]})"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(WithRetry(row.text), row.completed) << row.text;
  }
}

TEST(CompleteServiceConfigTest, LeavesWhatTheApplicationWroteByteByByte) {
  std::string deep = "7";
  for (int i = 0; i < 100; ++i) deep = "[" + deep + "]";
  const std::string parts[] = {
      R"("methodConfig" : [ { "name" : [ { "service":"S" } ],)"
      "\n\t"
      R"( "maxRequestMessageBytes" : 9007199254740993 , "x": 1e3 } ])",
      R"("y": [1.0, -0, 1E+2, 18446744073709551615, 0.1000000000000000055])",
      R"("z": "\u00e9\ud83d\ude00 ü \/ \"{}[],:")", "\"deep\": " + deep};
  ServiceConfigAdditions additions;
  additions.choose_our_policy = true;
  additions.retry_policy = "{}";
  const std::string completed = Complete(
      "{" + parts[0] + "," + parts[1] + "," + parts[2] + "," + parts[3] + "}",
      additions);
  EXPECT_EQ(completed,
            R"({"loadBalancingConfig":[{"multi_backend":{}}],)"
            R"("methodConfig" : [ {"retryPolicy":{}, "name" : )"
            R"([ { "service":"S" } ],)"
            "\n\t"
            R"( "maxRequestMessageBytes" : 9007199254740993 , "x": 1e3 } ,)"
            R"({"name":[{}],"retryPolicy":{}}],)" +
                parts[1] + "," + parts[2] + "," + parts[3] + "}");
}

TEST(PathsWithRetryPolicyTest, AreThoseThatGrpcLooksUp) {
  const auto paths = [](absl::string_view text) {
    return PathsWithRetryPolicy(*ReadServiceConfig(text));
  };
  EXPECT_THAT(paths(R"({"methodConfig":[
      {"name":[{"service":"S","method":"M"},{"service":"T"}],
       "retryPolicy":{}},
      {"name":[{"service":"U"}]},
      {"name":[{}],"retryPolicy":null},
      {"retryPolicy":{}}, 7]})"),
              ElementsAre("/S/M", "/T/*", "/*/*"));
  EXPECT_THAT(paths("{}"), IsEmpty());
  EXPECT_THAT(paths(R"({"methodConfig":7})"), IsEmpty());
}

TEST(RetryPolicyJsonTest, AllowsAllAttemptsAndNamesTheCodes) {
  FailoverConfig failover;
  failover.retriable_status_codes = {absl::StatusCode::kUnavailable,
                                     absl::StatusCode::kAborted};
  EXPECT_EQ(
      RetryPolicyJson(failover, /*classifier=*/false),
      R"({"maxAttempts":5,"initialBackoff":"0.002s","maxBackoff":"0.02s",)"
      R"("backoffMultiplier":2,"retryableStatusCodes":)"
      R"(["UNAVAILABLE","ABORTED"]})");
  failover.per_try_timeout = absl::Milliseconds(1500);
  EXPECT_THAT(
      *RetryPolicyJson(failover, /*classifier=*/false),
      HasSubstr(R"("ABORTED"],"perAttemptRecvTimeout":"1.500000000s"})"));
  const std::string all = *RetryPolicyJson(failover, /*classifier=*/true);
  for (int code = 1; code <= 16; ++code) {
    EXPECT_THAT(all, HasSubstr(absl::StatusCodeToString(
                         static_cast<absl::StatusCode>(code))));
  }
  failover.max_retries = 0;
  EXPECT_EQ(RetryPolicyJson(failover, /*classifier=*/true), absl::nullopt);
}

}  // namespace
}  // namespace multi_backend

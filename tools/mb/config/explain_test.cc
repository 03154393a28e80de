#include "multi_backend/tools/mb/config/explain.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/tools/mb/config/method_config.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

constexpr char kUsers[] = R"({
  "loadBalancingConfig": [ { "multi_backend": {
    "strategy": "ROUND_ROBIN",
    "roles": { "primary": { "strategy": "PRIMARY" },
               "replica": { "strategy": "STICKY",
                            "backlog": { "limit": 10, "timeout": "2s" } } },
    "failover": { "maxRetries": 1, "perTryTimeout": "0.5s" },
    "maxRequestsPerBackend": 7, "maxRequestMetadata": 8192
  } } ],
  "methodConfig": [
    { "name": [ { "service": "acme.Users" } ], "timeout": "1.5s" } ],
  "multiBackend": {
    "stickyKey": { "header": "user" },
    "routes": [
      { "match": { "method": "Create.*" }, "role": "primary",
        "retry": "NEVER" },
      { "match": { "service": "acme\\..*", "method": "Get.*" },
        "role": "replica", "whenUnavailable": "ANY" } ] } })";

EndpointList Endpoints() {
  Endpoint primary = Endpoint::Of("10.0.0.1", 50051).WithRole("primary");
  Endpoint near = Endpoint::Of("10.0.0.2", 50051).WithRole("replica");
  near.zone = "eu";
  Endpoint far =
      Endpoint::Of("10.0.0.3", 50051).WithRole("replica").WithWeight(3000);
  return {primary, near, far};
}

ExplainedCall CallTo(const std::string& method) {
  ExplainedCall call;
  call.method = method;
  return call;
}

std::string TextOf(const ExplainedCall& call) {
  const auto explanation = Explain(kUsers, Endpoints(), call);
  return explanation.ok() ? FormatExplanation(*explanation)
                          : std::string(explanation.status().message());
}

TEST(ExplainTest, ACallOfARouteWithAKey) {
  ExplainedCall call = CallTo("/acme.Users/GetUser");
  call.headers["user"] = "7";
  const std::string text = TextOf(call);
  // The key's hash is the same in every release.
  EXPECT_EQ(text,
            R"(/acme.Users/GetUser
  route             routes[1]: no earlier one matches, and it matches service "acme\..*" and method "Get.*"
  role              replica: whenUnavailable ANY
  balancer          STICKY
  sticky key        7: from the header user
  retry             on UNAVAILABLE, up to 1 other backend: failover; all retries together may be 0.2 of the calls plus 10 a second
  timeout           1.5s: methodConfig[0]; the application's deadline may be earlier
  perTryTimeout     500ms: then another backend is tried
  maxConnectWait    1s: how long a retry waits for backends that are being connected
  backlog           up to 2s: without a usable backend it waits, as one of at most 10; refused at once when all have been down for 1s
  limit             7 calls in flight: maxRequestsPerBackend; a full backend is passed over
  metadata          8192 bytes: maxRequestMetadata; a call with more is not sent
  backends          STICKY follows the key, so every call with this key tries them in this order
    TRY  BACKEND         ROLE     ZONE  WEIGHT   FIRST
      1  10.0.0.3:50051  replica          3000  100.0%
      2  10.0.0.2:50051  replica  eu      1000    0.0%
      -  10.0.0.1:50051  primary          1000    0.0%
)");
}

TEST(ExplainTest, ACallThatIsNeverRetried) {
  EXPECT_EQ(TextOf(CallTo("/acme.Users/CreateUser")),
            R"(/acme.Users/CreateUser
  route             routes[0]: it matches method "Create.*"
  role              primary: whenUnavailable FAIL
  balancer          PRIMARY
  sticky key        none: the call has no header user
  retry             never: routes[0].retry is NEVER
  timeout           1.5s: methodConfig[0]; the application's deadline may be earlier
  backlog           none: without a usable backend the call fails at once
  limit             7 calls in flight: maxRequestsPerBackend; a full backend is passed over
  metadata          8192 bytes: maxRequestMetadata; a call with more is not sent
  backends          PRIMARY takes the first by priority, so every call tries them in this order
    TRY  BACKEND         ROLE     ZONE  WEIGHT   FIRST
      1  10.0.0.1:50051  primary          1000  100.0%
      -  10.0.0.2:50051  replica  eu      1000    0.0%
      -  10.0.0.3:50051  replica          3000    0.0%
)");
}

TEST(ExplainTest, ACallWithoutARouteGoesToTheRoot) {
  const auto explanation =
      Explain(kUsers, Endpoints(), CallTo("/acme.Users/ListUsers"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(explanation->route(), "");
  EXPECT_EQ(explanation->route_why(),
            "none of the 2 routes matches, so the root balancer takes it");
  EXPECT_EQ(explanation->balancer(), "ROUND_ROBIN");
  ASSERT_EQ(explanation->backends_size(), 3);
  for (const auto& backend : explanation->backends()) {
    EXPECT_NEAR(backend.share(), 1.0 / 3, 1e-9) << backend.address();
  }
}

TEST(ExplainTest, ACallMayWaitForAConnectionOfAPool) {
  for (const char* pool :
       {R"("pool":{"max":3})",
        R"("backends":[{"address":"10.0.0.1:1","pool":{"max":3}}])"}) {
    const auto explanation =
        Explain(absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{
                    "failover":{"maxRetries":0},)",
                             pool, "}}]}"),
                Endpoints(), CallTo("/a.B/C"));
    ASSERT_TRUE(explanation.ok()) << explanation.status();
    EXPECT_NE(FormatExplanation(*explanation)
                  .find("maxConnectWait    1s: how long a retry, or a call to "
                        "a full backend, waits for a connection"),
              std::string::npos)
        << pool;
  }
}

TEST(ExplainTest, SharesFollowTheWeights) {
  const auto explanation = Explain(
      R"({"loadBalancingConfig":[{"multi_backend":{"strategy":"WEIGHTED"}}]})",
      Endpoints(), CallTo("/a.B/C"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  for (const auto& backend : explanation->backends()) {
    EXPECT_NEAR(backend.share(), backend.weight() / 5000.0, 1e-9);
  }
}

TEST(ExplainTest, TheBackendsOfTheConfigurationAreTheListOrChangeIt) {
  const std::string config = R"({"loadBalancingConfig":[{"multi_backend":{
      "strategy":"PRIMARY","backends":[
        {"address":"10.0.0.8:1","priority":2},
        {"address":"10.0.0.9:1","priority":1}]}}]})";
  const auto own = Explain(config, {}, CallTo("/a.B/C"));
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->backends_size(), 2);
  EXPECT_EQ(own->backends(0).address(), "10.0.0.9:1");
  const auto given = Explain(
      config, {Endpoint::Of("10.0.0.8", 1), Endpoint::Of("10.0.0.7", 1)},
      CallTo("/a.B/C"));
  ASSERT_TRUE(given.ok()) << given.status();
  ASSERT_EQ(given->backends_size(), 2);
  EXPECT_EQ(given->backends(0).address(), "10.0.0.7:1");
}

TEST(ExplainTest, WithoutBackendsItSaysHowToGiveThem) {
  const auto explanation = Explain("{}", {}, CallTo("/a.B/C"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(explanation->route_why(), "the configuration has no routes");
  EXPECT_EQ(explanation->order_why(),
            "the configuration lists no backends: give them with --backends");
}

TEST(ExplainTest, ACallThatFindsNoBackendSaysWhy) {
  const auto explanation = Explain(kUsers, {Endpoint::Of("10.0.0.9", 1)},
                                   CallTo("/acme.Users/CreateUser"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(explanation->order_why(),
            "the call fails: multi_backend: no usable backend with role "
            "\"primary\", the call was not sent: the endpoint list has none");
  ASSERT_EQ(explanation->backends_size(), 1);
  EXPECT_EQ(explanation->backends(0).attempt(), 0);
}

TEST(ExplainTest, WhereTheKeyComesFrom) {
  const std::string by_field =
      R"({"multiBackend":{"stickyKey":{"requestField":"user.id"}}})";
  const auto unknown = Explain(by_field, {}, CallTo("/a.B/C"));
  ASSERT_TRUE(unknown.ok()) << unknown.status();
  EXPECT_EQ(unknown->sticky_key_why(),
            "it is the request's field user.id: give its value with --key");
  ExplainedCall call = CallTo("/a.B/C");
  call.key = "7";
  const auto given = Explain(by_field, {}, call);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(given->sticky_key(), "7");
  call.key = "";
  const auto empty = Explain(by_field, {}, call);
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->sticky_key_why(),
            "--key gives it; an empty key counts as none");
}

TEST(ExplainTest, BadInputIsRefusedWithTheRemedy) {
  EXPECT_EQ(Explain("{}", {}, CallTo("GetUser")).status().message(),
            "\"GetUser\": write it as /package.Service/Method");
  EXPECT_FALSE(CheckMethodPath("/Service/").ok());
  EXPECT_FALSE(CheckMethodPath("//Method").ok());
  EXPECT_FALSE(CheckMethodPath("a/b").ok());
  EXPECT_TRUE(CheckMethodPath("/a/b").ok());
  EXPECT_EQ(
      Explain("{\"multiBackend\":1}", {}, CallTo("/a/b")).status().message(),
      "errors validating multi_backend config: [field:multiBackend "
      "error:is not an object]");
}

TEST(ExplainTest, TextsOfTheConfigurationAreEscaped) {
  const std::string config = R"({"multiBackend":{"routes":[
      {"match":{"method":"\u001b\\[2J|.*"}}]}})";
  const auto explanation = Explain(config, {}, CallTo("/a/b"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(FormatExplanation(*explanation).find('\x1b'), std::string::npos);
}

TEST(ExplainTest, JsonHasWhatTheTextHas) {
  const auto explanation = Explain("{}", {}, CallTo("/a/b"));
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  const std::string json = ToJson(*explanation);
  EXPECT_EQ(json.substr(0, 120),
            "{\"method\":\"/a/b\",\"route\":\"\",\"routeWhy\":\"the "
            "configuration has no routes\",\"role\":\"\",\"whenUnavailable\":"
            "\"\",\"balancer\":\"ROUN");
}

TEST(BackendListTest, ListsAndDocuments) {
  EXPECT_EQ(ParseBackendList("10.0.0.1:1,[::1]:2")->size(), 2u);
  EXPECT_FALSE(ParseBackendList("10.0.0.1").ok());
  EXPECT_EQ(ParseBackendDocument(
                R"({"endpoints":[{"address":"10.0.0.1:1","role":"a"}]})")
                ->at(0)
                .role,
            "a");
  EXPECT_FALSE(ParseBackendDocument("{").ok());
  EXPECT_FALSE(
      ParseBackendDocument(R"({"endpoints":[{"address":"169.254.1.1:1"}]})")
          .ok());
}

TEST(MethodConfigTest, TheClosestNameWins) {
  const std::string config = R"({"methodConfig":[
      {"name":[{}],"timeout":"1s"},
      {"name":[{"service":"a.B"}],"timeout":"2s","waitForReady":true},
      {"name":[{"service":"x"},{"service":"a.B","method":"C"}],
       "timeout":"3s","retryPolicy":{}}]})";
  const MethodConfig method = FindMethodConfig(config, "a.B", "C");
  EXPECT_EQ(method.where, "methodConfig[2]");
  EXPECT_EQ(method.timeout, "3s");
  EXPECT_TRUE(method.has_retry_policy);
  EXPECT_FALSE(method.wait_for_ready);
  EXPECT_EQ(FindMethodConfig(config, "a.B", "D").timeout, "2s");
  EXPECT_TRUE(FindMethodConfig(config, "a.B", "D").wait_for_ready);
  EXPECT_EQ(FindMethodConfig(config, "z", "C").timeout, "1s");
  EXPECT_EQ(FindMethodConfig("{}", "z", "C").where, "");
  EXPECT_EQ(FindMethodConfig("{\"methodConfig\":7}", "z", "C").where, "");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend

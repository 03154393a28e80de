#include "multi_backend/proto/config/lint/lint.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/config/parser/parser.h"

namespace multi_backend {
namespace {

// Returns the formatted warnings about a service config, or its error.
std::string Warnings(absl::string_view json) {
  const auto parsed = ParseServiceConfig(json);
  if (!parsed.ok()) return std::string(parsed.status().message());
  return FormatWarnings(parsed->warnings);
}

// The warnings about a config with these routes.
std::string RouteWarnings(absl::string_view routes) {
  return Warnings(
      absl::StrCat(R"({"multiBackend":{"routes":[)", routes, "]}}"));
}

// The warnings about one route with these patterns.
std::string MatchWarnings(absl::string_view match) {
  return RouteWarnings(absl::StrCat("{\"match\":{", match, "}}"));
}

// The warnings about routes with these methods.
std::string MethodWarnings(const std::vector<std::string>& methods) {
  std::string routes;
  for (const std::string& method : methods) {
    absl::StrAppend(&routes, routes.empty() ? "" : ",",
                    R"({"match":{"method":")", method, "\"}}");
  }
  return RouteWarnings(routes);
}

struct Row {
  std::string name;
  std::string match;
  std::string message;  // "" = no warning.
};

TEST(LintTest, RetryThrottlingBesideFailover) {
  const std::string throttling =
      R"("retryThrottling":{"maxTokens":10,"tokenRatio":0.1})";
  EXPECT_EQ(Warnings(absl::StrCat("{", throttling, "}")),
            "field:retryThrottling warning:limits the retries of failover too, "
            "and all channels of the process with the same target share its "
            "tokens: failover.budget alone is enough");
  EXPECT_EQ(Warnings(absl::StrCat("{", throttling,
                                  R"(,"loadBalancingConfig":[{"multi_backend":{
                       "failover":{"maxRetries":0}}}]})")),
            "");
}

TEST(LintTest, ABackoffThatMayRoundToNothing) {
  const auto policy = [](absl::string_view initial, absl::string_view max) {
    return Warnings(absl::StrCat(
        R"({"methodConfig":[{},{"retryPolicy":{"initialBackoff":")", initial,
        R"(","maxBackoff":")", max, R"("}}]})"));
  };
  const auto warning = [](absl::string_view key) {
    return absl::StrCat(
        "field:methodConfig[1].retryPolicy.", key,
        " warning:is less than 0.002s: gRPC 1.83 drops a retry whose backoff "
        "rounds to 0 ms, and the call then hangs past its deadline");
  };
  EXPECT_EQ(policy("0.001s", "1s"), warning("initialBackoff"));
  EXPECT_EQ(policy("0.002s", "0.001999999s"), warning("maxBackoff"));
  EXPECT_EQ(policy("0.002s", "0.002s"), "");
  EXPECT_EQ(policy("soon", "5"), "") << "gRPC reports these";
}

TEST(LintTest, AnAnchorThatBindsOneBranchOnly) {
  const auto warning = [](absl::string_view field, absl::string_view branch) {
    return absl::StrCat("field:routes[0].match.", field,
                        " warning:the anchor binds the branch ", branch,
                        " only, and each branch must match the whole name "
                        "anyway; for prefixes write (A|B).*");
  };
  const std::vector<Row> rows = {
      {"the first", R"("method":"^create|update|delete")",
       warning("method", "^create")},
      {"the last", R"("method":"Get|List$")", warning("method", "List$")},
      {"of a service", R"("service":"^a\\.A|b\\.B")",
       warning("service", "^a\\.A")},
      {"all", R"("method":"^Get|^List")", ""},
      {"around a group", R"("method":"^(Get|List)$")", ""},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(MatchWarnings(row.match), row.message) << row.name;
  }
}

TEST(LintTest, APatternThatCanNeverMatch) {
  const std::string no_text = "can never match: no text fits the pattern";
  const std::string method_slash =
      "can never match: it is compared with the short method name, without "
      "service and '/'";
  const std::string service_slash =
      "can never match: it is compared with the full service name, without "
      "method and '/'";
  const std::vector<Row> rows = {
      {"an anchor in the middle", R"("method":"Get^User")",
       "field:routes[0].match.method warning:" + no_text},
      {"a whole path as method", R"("method":"/users\\.Users/Get.*")",
       "field:routes[0].match.method warning:" + method_slash},
      {"a service and a method as method", R"("method":"users.Users/Get")",
       "field:routes[0].match.method warning:" + method_slash},
      {"a dot in a method", R"("method":"Users\\.Get")",
       "field:routes[0].match.method warning:can never match: a method name "
       "holds no '.'"},
      {"a path as service", R"("service":"/users\\.Users")",
       "field:routes[0].match.service warning:" + service_slash},
      {"a service with dots", R"("service":"users\\.Users")", ""},
      {"a service without a package", R"("service":"Users")", ""},
      {"a slash in one branch", R"("method":"Get|users/Get")", ""},
      {"an unescaped dot", R"("method":"Get.User")", ""},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(MatchWarnings(row.match), row.message) << row.name;
  }
}

TEST(LintTest, ARouteThatAnEarlierOneHides) {
  const auto hidden = [](int later, int earlier) {
    return absl::StrCat("field:routes[", later, "] warning:is hidden: routes[",
                        earlier, "] takes all of its calls");
  };
  const std::string none;
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows = {
      {{"Get", "Get"}, hidden(1, 0)},
      {{"G[e]t.x", "G[e]t.x"}, hidden(1, 0)},
      {{"", "Get"}, hidden(1, 0)},
      {{".*", "G[e]t"}, hidden(1, 0)},
      {{"List", "(.*)", ""}, hidden(2, 1)},
      {{"Get|List|Find", "Find|Get"}, hidden(1, 0)},
      {{"Get|List", "Get|Find"}, none},
      {{"G.*", "Get|Give"}, hidden(1, 0)},
      {{"G[aei].*", "Get|Give"}, hidden(1, 0)},
      {{"(?i)get", "GET"}, hidden(1, 0)},
      {{"(Get|List).*", "GetUser.*"}, hidden(1, 0)},
      {{"GetUser.*", "Get.*"}, none},
      {{"Get", "Get.*"}, none},
      {{"Get.*", "GetUser", "GetItem"}, hidden(1, 0) + "; " + hidden(2, 0)},
      {{"[A-Z].*", "Get.*"}, none},
      {{"Get", "List"}, none},
  };
  for (const auto& [methods, warning] : rows) {
    EXPECT_EQ(MethodWarnings(methods), warning) << methods[0];
  }
}

TEST(LintTest, ServiceAndMethodMustBothBeTaken) {
  EXPECT_EQ(RouteWarnings(R"({"match":{"service":"a\\.A","method":"Get"}},
                             {"match":{"service":"b\\.B","method":"Get"}},
                             {"match":{"method":"Get"}})"),
            "");
  EXPECT_EQ(RouteWarnings(R"({"match":{"service":"a\\..*"}},
                             {"match":{"service":"a\\.A","method":"G[e]t"}})"),
            "field:routes[1] warning:is hidden: routes[0] takes all of its "
            "calls");
}

TEST(LintTest, FailoverOnAnAnswerOfTheApplication) {
  const std::vector<std::pair<std::string, bool>> rows = {
      {"CANCELLED", false},          {"UNKNOWN", false},
      {"INVALID_ARGUMENT", true},    {"DEADLINE_EXCEEDED", false},
      {"NOT_FOUND", true},           {"ALREADY_EXISTS", true},
      {"PERMISSION_DENIED", true},   {"RESOURCE_EXHAUSTED", false},
      {"FAILED_PRECONDITION", true}, {"ABORTED", false},
      {"OUT_OF_RANGE", true},        {"UNIMPLEMENTED", true},
      {"INTERNAL", false},           {"UNAVAILABLE", false},
      {"DATA_LOSS", true},           {"UNAUTHENTICATED", true}};
  for (const auto& [code, warned] : rows) {
    const std::string json =
        absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{"failover":)",
                     R"({"retriableStatusCodes":[")", code, R"("]}}}]})");
    EXPECT_EQ(Warnings(json),
              warned
                  ? absl::StrCat(
                        "field:failover.retriableStatusCodes[0] warning:", code,
                        " is an answer of the application, which another "
                        "backend would repeat")
                  : "");
  }
}

TEST(LintTest, ARoleThatNothingElseNames) {
  const std::string routes =
      R"("multiBackend":{"routes":[{"role":"a","whenUnavailable":"b"}]}})";
  const auto warnings = [&](absl::string_view policy) {
    return Warnings(
        absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)", policy,
                     "}}],", routes));
  };
  const auto unknown = [](absl::string_view field, absl::string_view role) {
    return absl::StrCat("field:routes[0].", field,
                        " warning:nothing else here names role ", role,
                        "; only discovery can give it backends");
  };
  EXPECT_EQ(warnings(""),
            unknown("role", "a") + "; " + unknown("whenUnavailable", "b"));
  EXPECT_EQ(warnings(R"("roles":{"a":{}})"), unknown("whenUnavailable", "b"));
  EXPECT_EQ(warnings(R"("roles":{"a":{}},
                        "backends":[{"address":"h:1","role":"b"}])"),
            "");
  EXPECT_EQ(warnings(R"("roles":{"a":{}},
                        "members":[{"name":"x","select":{"role":"b"}}])"),
            "");
}

TEST(LintTest, AStickyKeyThatNoBalancerUses) {
  const auto warnings = [](absl::string_view policy) {
    return Warnings(
        absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)", policy,
                     R"(}}],"multiBackend":{"stickyKey":{"header":"k"}}})"));
  };
  EXPECT_EQ(warnings(""),
            "field:stickyKey warning:no balancer has strategy STICKY, so it is "
            "never used");
  EXPECT_EQ(warnings(R"("strategy":"STICKY")"), "");
  EXPECT_EQ(warnings(R"("roles":{"a":{"strategy":"STICKY"}})"), "");
  EXPECT_EQ(warnings(R"("members":[{"name":"a","members":[
                         {"name":"b","strategy":"STICKY"}]}])"),
            "");
}

// The warnings about a policy with these fields.
std::string PolicyWarnings(absl::string_view fields) {
  return Warnings(absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)",
                               fields, "}}]}"));
}

TEST(LintTest, HealthThatMarksTooSoonOrProbesTooOften) {
  const auto active = [](absl::string_view fields) {
    return PolicyWarnings(
        absl::StrCat(R"("health":{"active":{)", fields, "}}"));
  };
  const auto passive = [](absl::string_view fields) {
    return PolicyWarnings(
        absl::StrCat(R"("health":{"passive":{)", fields, "}}"));
  };
  EXPECT_EQ(active(""), "");
  EXPECT_EQ(passive(""), "");
  EXPECT_EQ(active(R"("unhealthyAfter":1)"),
            "field:health.active.unhealthyAfter warning:one lost probe takes a "
            "backend away; 2 or more tell chance from illness");
  EXPECT_EQ(active(R"("unhealthyAfter":2,"healthyAfter":1)"), "");
  EXPECT_EQ(passive(R"("unhealthyAfter":1)"),
            "field:health.passive.unhealthyAfter warning:one lost call takes a "
            "backend away; 2 or more tell chance from illness");
  EXPECT_EQ(passive(R"("unhealthyAfter":2)"), "");
  EXPECT_EQ(active(R"("interval":"0.099s","timeout":"0.05s")"),
            "field:health.active.interval warning:probes each backend more "
            "often than once per 0.1s");
  EXPECT_EQ(active(R"("interval":"0.1s","timeout":"0.1s")"), "");
  EXPECT_EQ(active(R"("interval":"0.5s")"),
            "field:health.active.timeout warning:is longer than interval "
            "(0.5s): a backend that hangs is probed less often than that");
}

TEST(LintTest, ALimitOfEjectionsThatLimitsNothing) {
  const auto warnings = [](absl::string_view fields) {
    return PolicyWarnings(
        absl::StrCat(R"("health":{"passive":{)", fields, "}}"));
  };
  for (const char* rule : {"", R"("failureRate":{},)"}) {
    EXPECT_EQ(warnings(absl::StrCat(rule, R"("maxEjectedPercent":100)")),
              "field:health.passive.maxEjectedPercent warning:lets failed "
              "calls take all backends away at once");
    EXPECT_EQ(warnings(absl::StrCat(rule, R"("maxEjectedPercent":99)")), "");
  }
}

TEST(LintTest, PanicAndSlowStartWithNothingThatFindsTheIll) {
  const std::string why =
      " warning:has little effect: health.active is not given and "
      "health.passive is off, so nothing finds out which backends are ill";
  const std::string both = R"("panicThreshold":30,"slowStart":"5s")";
  const std::string off = R"("passive":{"enabled":false})";
  EXPECT_EQ(
      PolicyWarnings(absl::StrCat(R"("health":{)", off, ",", both, "}")),
      "field:health.panicThreshold" + why + "; field:health.slowStart" + why);
  for (const std::string& finds :
       {std::string(R"("active":{})"), std::string(R"("passive":{})"),
        off + R"(,"active":{})"}) {
    EXPECT_EQ(
        PolicyWarnings(absl::StrCat(R"("health":{)", finds, ",", both, "}")),
        "")
        << finds;
  }
  EXPECT_EQ(PolicyWarnings(absl::StrCat(R"("health":{)", both, "}")), "");
  EXPECT_EQ(
      PolicyWarnings(absl::StrCat(R"("health":{)", off,
                                  R"(,"panicThreshold":0,"slowStart":"0s"})")),
      "");
}

TEST(LintTest, ABacklogThatGivesUpBeforeTheOutageIsKnown) {
  const auto warning = [](absl::string_view path, absl::string_view timeout) {
    return absl::StrCat("field:", path,
                        "backlog.timeout warning:is shorter than "
                        "overloadTimeout (",
                        timeout,
                        "): in an outage calls run into it, as "
                        "DEADLINE_EXCEEDED, before any is refused at once");
  };
  EXPECT_EQ(PolicyWarnings(R"("backlog":{})"), "");
  EXPECT_EQ(PolicyWarnings(R"("backlog":{"timeout":"1s"})"), "");
  EXPECT_EQ(PolicyWarnings(R"("backlog":{"timeout":"0.5s"})"),
            warning("", "1s"));
  EXPECT_EQ(
      PolicyWarnings(R"("members":[{"name":"a"},
                          {"name":"b","backlog":{"overloadTimeout":"9s"}}],
                        "roles":{"r":{"backlog":{"overloadTimeout":"8s"}}})"),
      warning("members[1].", "9s") + "; " + warning("roles[\"r\"].", "8s"));
}

TEST(LintTest, AnAttemptThatMayOutlastTheCallsDeadline) {
  const auto warnings = [](absl::string_view failover,
                           absl::string_view methods) {
    return Warnings(absl::StrCat(
        R"({"loadBalancingConfig":[{"multi_backend":{"failover":{)", failover,
        R"(}}}],"methodConfig":)", methods, "}"));
  };
  const auto no_time = [](int index, absl::string_view timeout) {
    return absl::StrCat(
        "field:failover.perTryTimeout warning:leaves no time for another try: "
        "methodConfig[",
        index, "].timeout is ", timeout);
  };
  const std::string half = R"("perTryTimeout":"0.5s")";
  EXPECT_EQ(warnings(half, R"([{"timeout":"0.4s"}])"), no_time(0, "0.4s"));
  EXPECT_EQ(warnings(half, R"([{"timeout":"0.500s"}])"), no_time(0, "0.5s"));
  EXPECT_EQ(warnings(half, R"([{"timeout":"0.501s"}])"), "");
  EXPECT_EQ(warnings(half, R"([{"name":[{}]},{"timeout":"9s"},
                               {"timeout":"0.1s"},{"timeout":"0.2s"}])"),
            no_time(2, "0.1s") + "; " + no_time(3, "0.2s"));
  // There is no such warning where perTryTimeout has no effect.
  EXPECT_EQ(warnings("", R"([{"timeout":"0.1s"}])"), "");
  EXPECT_EQ(warnings(R"("maxRetries":0,"perTryTimeout":"1s")",
                     R"([{"timeout":"0.1s"}])"),
            "field:failover.perTryTimeout warning:has no effect because "
            "maxRetries is 0: an attempt is only given up for another one; to "
            "limit the calls, give them deadlines or a timeout in "
            "methodConfig");
  EXPECT_EQ(warnings(half, R"([{"timeout":"0.1s","retryPolicy":{}}])"), "");
  // gRPC's own checks say what is wrong with these.
  for (const char* odd : {"null", "{}", "7", "[7]", R"([{"timeout":7}])",
                          R"([{"timeout":"soon"}])"}) {
    EXPECT_EQ(warnings(half, odd), "") << odd;
  }
}

TEST(LintTest, AnotherPolicyBeforeOursIsTakenFirst) {
  EXPECT_EQ(Warnings(R"({"loadBalancingConfig":
                         [{"round_robin":{}},{"multi_backend":{}}]})"),
            "field:loadBalancingConfig[1] warning:gRPC takes the first entry "
            "whose policy it has, which may be one before this");
  EXPECT_EQ(Warnings(R"({"loadBalancingConfig":
                         [{"multi_backend":{}},{"round_robin":{}}]})"),
            "");
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/interceptors/route_table.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

constexpr int kNone = -1;

RouteConfig Route(std::string service, std::string method,
                  std::string role = "r") {
  RouteConfig route;
  route.service = std::move(service);
  route.method = std::move(method);
  route.role = std::move(role);
  return route;
}

std::unique_ptr<RouteTable> MakeTable(std::vector<RouteConfig> routes) {
  RoutingConfig config;
  config.routes = std::move(routes);
  auto table = RouteTable::Make(config);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

int RuleOf(const RouteTable& table, absl::string_view method) {
  const RouteDecision* decision = table.Find(method);
  return decision->rule.has_value() ? static_cast<int>(*decision->rule) : kNone;
}

struct MatchCase {
  const char* name;
  std::vector<RouteConfig> routes;
  const char* method;
  int rule;
};

TEST(RouteTableTest, TheFirstRuleThatMatchesDecides) {
  const MatchCase kCases[] = {
      {"no rules", {}, "/p.S/Get", kNone},
      {"an empty rule matches everything", {Route("", "")}, "/p.S/Get", 0},
      {"method alone", {Route("", "Get.*")}, "/p.S/GetUser", 0},
      {"service alone", {Route("p\\.S", "")}, "/p.S/GetUser", 0},
      {"both must match: the service does not",
       {Route("p\\.T", "Get.*")},
       "/p.S/GetUser",
       kNone},
      {"both must match: the method does not",
       {Route("p\\.S", "Set.*")},
       "/p.S/GetUser",
       kNone},
      {"the first of two that match",
       {Route("", "Get.*"), Route("", "GetUser")},
       "/p.S/GetUser",
       0},
      {"the second when the first does not match",
       {Route("", "Set.*"), Route("", "GetUser")},
       "/p.S/GetUser",
       1},
      {"a pattern matches from the name's start",
       {Route("", "User")},
       "/p.S/GetUser",
       kNone},
      {"a pattern matches up to the name's end",
       {Route("", "Get")},
       "/p.S/GetUser",
       kNone},
      {"all branches of an alternative are anchored",
       {Route("", "Create|Update|Delete")},
       "/p.S/UndeleteDelete",
       kNone},
      {"a branch in the middle matches",
       {Route("", "Create|Update|Delete")},
       "/p.S/Update",
       0},
      {"an anchor in the pattern changes nothing for a whole match",
       {Route("", "^Get.*$")},
       "/p.S/GetUser",
       0},
      {"patterns distinguish case", {Route("", "get")}, "/p.S/Get", kNone},
      {"unless told otherwise", {Route("", "(?i)get")}, "/p.S/Get", 0},
      {"the method is the part after the last slash",
       {Route("a/b", "C")},
       "/a/b/C",
       0},
      {"a path without a leading slash", {Route("p\\.S", "M")}, "p.S/M", 0},
      {"a path without a service", {Route("", "Odd")}, "Odd", 0},
      {"an empty path has an empty method", {Route("", ".+")}, "", kNone},
      {"a service pattern does not see the slash",
       {Route("/p\\.S", "")},
       "/p.S/Get",
       kNone},
  };
  for (const MatchCase& c : kCases) {
    const auto table = MakeTable(c.routes);
    // The second answer comes from the cache.
    EXPECT_EQ(RuleOf(*table, c.method), c.rule) << c.name;
    EXPECT_EQ(RuleOf(*table, c.method), c.rule) << c.name << ", cached";
  }
}

TEST(RouteTableTest, TheDecisionSaysWhatTheRuleSays) {
  RouteConfig writes = Route("", "Set.*", "primary");
  writes.retry = RetryMode::kNever;
  RouteConfig reads = Route("", "Get.*", "replica");
  reads.when_unavailable = WhenUnavailable::kRole;
  reads.fallback_role = "primary";
  const auto table = MakeTable({writes, reads});

  const RouteDecision* write = table->Find("/p.S/SetUser");
  EXPECT_EQ(write->label.role, "primary");
  EXPECT_EQ(write->label.when_unavailable, WhenUnavailable::kFail);
  EXPECT_EQ(write->label.fallback_role, "");
  EXPECT_EQ(write->label.retry, RetryMode::kNever);
  EXPECT_TRUE(write->label.route_decided);
  EXPECT_EQ(write->label_prefix, EncodeCallLabelPrefix(write->label));

  const RouteDecision* read = table->Find("/p.S/GetUser");
  EXPECT_EQ(read->label.role, "replica");
  EXPECT_EQ(read->label.when_unavailable, WhenUnavailable::kRole);
  EXPECT_EQ(read->label.fallback_role, "primary");
  EXPECT_EQ(read->label.retry, RetryMode::kDefault);
  EXPECT_EQ(read->label_prefix, EncodeCallLabelPrefix(read->label));
}

TEST(RouteTableTest, AMethodThatNoRuleMatchesUsesTheDefaultStrategy) {
  const auto table = MakeTable({Route("", "Set.*", "primary")});
  const RouteDecision* decision = table->Find("/p.S/GetUser");
  EXPECT_EQ(decision->rule, absl::nullopt);
  EXPECT_EQ(decision->label.role, "");
  EXPECT_FALSE(decision->label.route_decided);
  EXPECT_EQ(decision->label_prefix, EncodeCallLabelPrefix(decision->label));
}

// It keeps the calls from any rule that follows, also of another table.
TEST(RouteTableTest, ARuleWithoutRoleDecidesForTheDefaultStrategy) {
  RouteConfig plain = Route("", "Plain", "");
  RouteConfig once = Route("", "Once", "");
  once.retry = RetryMode::kNever;
  const auto table = MakeTable({plain, once});
  const RouteDecision* decision = table->Find("/p.S/Plain");
  EXPECT_TRUE(decision->label.route_decided);
  EXPECT_EQ(decision->label.role, "");
  EXPECT_EQ(decision->label.retry, RetryMode::kDefault);
  decision = table->Find("/p.S/Once");
  EXPECT_TRUE(decision->label.route_decided);
  EXPECT_EQ(decision->label.retry, RetryMode::kNever);
}

TEST(RouteTableTest, EveryBadFieldIsNamed) {
  RouteConfig bad_role = Route("", "", "two words");
  bad_role.when_unavailable = WhenUnavailable::kRole;
  RoutingConfig config;
  config.routes = {Route("", "("), Route("[", "ok"), bad_role};
  EXPECT_EQ(RouteTable::Make(config).status().message(),
            "errors validating multi_backend config: "
            "[field:routes[0].match.method error:missing ): (; "
            "field:routes[1].match.service error:missing ]: [; "
            "field:routes[2].role error:must be 1 to 64 of [A-Za-z0-9_.-]; "
            "field:routes[2].whenUnavailable error:must be 1 to 64 of "
            "[A-Za-z0-9_.-]]");
}

TEST(RouteTableTest, ARefusedPatternIsInvalidArgument) {
  RoutingConfig config;
  config.routes = {Route("", "(?=look)ahead")};
  EXPECT_EQ(RouteTable::Make(config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RouteTableTest, MadeUpMethodsAreMatchedBeyondTheCachesBound) {
  const auto table = MakeTable({Route("", "Get.*")});
  const size_t bound = MethodCache<int>::kMaxEntries;
  for (size_t i = 0; i < bound + 500; ++i) {
    ASSERT_EQ(RuleOf(*table, absl::StrCat("/p.S/Get", i)), 0);
    ASSERT_EQ(RuleOf(*table, absl::StrCat("/p.S/Set", i)), kNone);
  }
  EXPECT_EQ(table->cached_methods(), bound);
}

TEST(RouteTableTest, AReusedBufferWithAnotherMethodIsMatchedAnew) {
  const auto table = MakeTable({Route("", "Get"), Route("", "Set")});
  std::string buffer = "/p.S/Get";
  EXPECT_EQ(RuleOf(*table, buffer.c_str()), 0);
  buffer[5] = 'S';
  EXPECT_EQ(RuleOf(*table, buffer.c_str()), 1);
  buffer[5] = 'B';
  EXPECT_EQ(RuleOf(*table, buffer.c_str()), kNone);
}

TEST(RouteTableTest, ThreadsThatMeetNewMethodsTogetherAgree) {
  std::vector<RouteConfig> routes;
  for (int i = 0; i < 10; ++i) {
    routes.push_back(Route("", absl::StrCat("M[0-9]*", i)));
  }
  const auto table = MakeTable(routes);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table, &wrong] {
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 300; ++i) {
          if (RuleOf(*table, absl::StrCat("/p.S/M", i)) != i % 10) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table->cached_methods(), 300u);
}

TEST(RouteTableTest, CountsTheCallsThatEachRuleDecided) {
  RoutingConfig config;
  config.routes.resize(2);
  config.routes[0].method = "Create.*";
  config.routes[0].role = "primary";
  config.routes[1].method = "Get.*";
  const auto table = RouteTable::Make(config);
  ASSERT_TRUE(table.ok()) << table.status();
  for (const char* method :
       {"/p.S/CreateA", "/p.S/CreateB", "/p.S/CreateB", "/p.S/Other"}) {
    (*table)->Find(method)->Count(Label(method));
  }
  EXPECT_EQ((*table)->Find("/p.S/CreateA")->name.text, "Create.* -> primary");
  EXPECT_EQ((*table)->Find("/p.S/Other")->name.text, "");
  const std::vector<RouteStatus> routes = (*table)->Status();
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].name, "Create.* -> primary");
  EXPECT_EQ(routes[0].role, "primary");
  EXPECT_EQ(routes[0].matches, 3u);
  EXPECT_EQ(routes[0].last_method, "/p.S/CreateB");
  EXPECT_EQ(routes[1].name, "Get.* -> any");
  EXPECT_EQ(routes[1].matches, 0u);
  EXPECT_EQ(routes[1].last_method, "");
}

}  // namespace
}  // namespace multi_backend

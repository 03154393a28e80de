#include "multi_backend/interceptors/route_name.h"

#include <string>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

RouteConfig Rule(const std::string& service, const std::string& method,
                 const std::string& role) {
  RouteConfig rule;
  rule.service = service;
  rule.method = method;
  rule.role = role;
  return rule;
}

TEST(RouteNameTest, ShowsThePatternsAndTheRole) {
  EXPECT_EQ(RouteName(Rule("", "Create.*", "primary")), "Create.* -> primary");
  EXPECT_EQ(RouteName(Rule(R"(users\.v1\..*)", "Get.*", "replica")),
            R"(users\.v1\..*/Get.* -> replica)");
  EXPECT_EQ(RouteName(Rule("users", "", "replica")), "users/* -> replica");
  EXPECT_EQ(RouteName(Rule("", "", "")), "* -> any");
}

TEST(RouteNameTest, ShowsWhereCallsGoWhenTheRoleIsAway) {
  RouteConfig rule = Rule("", "Get.*", "replica");
  rule.when_unavailable = WhenUnavailable::kAny;
  EXPECT_EQ(RouteName(rule), "Get.* -> replica, else any");
  rule.when_unavailable = WhenUnavailable::kRole;
  rule.fallback_role = "primary";
  EXPECT_EQ(RouteName(rule), "Get.* -> replica, else primary");
}

TEST(RouteNameTest, IsBoundedAndPrintable) {
  EXPECT_EQ(RouteName(Rule("", std::string(1000, 'x'), "")),
            std::string(80, 'x') + "... -> any");
  EXPECT_EQ(RouteName(Rule("", "a\nb\x1b\xff", "")), "a?b?? -> any");
}

}  // namespace
}  // namespace multi_backend

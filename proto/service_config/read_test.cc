#include "multi_backend/proto/service_config/read.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;

// What the stock gRPC of the tests has.
bool HasThatPolicy(absl::string_view name) {
  return name == "multi_backend" || name == "round_robin";
}

JsonObject Read(absl::string_view text) {
  const absl::StatusOr<JsonObject> object = ReadServiceConfig(text);
  EXPECT_EQ(object.status(), absl::OkStatus()) << text;
  return *object;
}

std::string Chosen(absl::string_view text) {
  return ChosenPolicy(Read(text), HasThatPolicy).value_or("none");
}

std::string Nested(int levels) {
  std::string text = "{\"x\":";
  for (int i = 1; i < levels; ++i) text.push_back('[');
  for (int i = 1; i < levels; ++i) text.push_back(']');
  return text + "}";
}

TEST(ReadServiceConfigTest, TakesWhatGrpcTakes) {
  for (const std::string& text :
       {std::string("{}"), std::string(" \n{\"a\":1e3}\t"), Nested(255)}) {
    EXPECT_EQ(ReadServiceConfig(text).status(), absl::OkStatus()) << text;
  }
}

TEST(ReadServiceConfigTest, SaysWhereTheTextIsWrong) {
  struct Row {
    std::string text;
    const char* error;
  };
  for (const Row& row : {
           Row{"", "service config is not valid JSON: line 1, column 1: "},
           Row{"{\n  \"a\" 1}", "line 2, column 7: expected ':'"},
           Row{R"({"a":1,"a":2})", "duplicate key \"a\""},
           Row{Nested(256), "nested deeper than 255 levels"},
           Row{"[]", "service config is not a JSON object"},
           Row{"7", "service config is not a JSON object"},
       }) {
    const absl::Status status = ReadServiceConfig(row.text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.error));
  }
}

TEST(ChosenPolicyTest, IsTheFirstThatGrpcHas) {
  EXPECT_EQ(Chosen("{}"), "none");
  EXPECT_EQ(Chosen(R"({"loadBalancingPolicy":"pick_first"})"), "pick_first");
  EXPECT_EQ(Chosen(R"({"loadBalancingConfig":[{"newer":{}},{"round_robin":{}},
                       {"multi_backend":{}}],
                       "loadBalancingPolicy":"pick_first"})"),
            "round_robin");
  EXPECT_EQ(Chosen(R"({"loadBalancingConfig":[{"newer":{}}],
                       "loadBalancingPolicy":"pick_first"})"),
            "pick_first");
  EXPECT_EQ(Chosen(R"({"load\u0042alancingConfig":[{"round\u005frobin":{}}]})"),
            "round_robin")
      << "keys may be written with escapes";
}

TEST(ChosenPolicyTest, PassesOverWhatHasAnotherShape) {
  EXPECT_EQ(Chosen(R"({"loadBalancingConfig":{"multi_backend":{}}})"), "none");
  EXPECT_EQ(Chosen(R"({"loadBalancingConfig":[7,[],"multi_backend"],
                       "loadBalancingPolicy":5})"),
            "none");
}

TEST(PolicyEntryTest, IsOursAlsoBehindAnother) {
  EXPECT_EQ(PolicyEntry(Read(R"({"loadBalancingConfig":[{"round_robin":{}},
                                {"multi_backend": {"strategy" : "RANDOM"} }]})"))
                .text(),
            "{\"strategy\" : \"RANDOM\"}");
  EXPECT_EQ(
      PolicyEntry(Read(R"({"loadBalancingConfig":[{"multi_backend":null}]})"))
          .text(),
      "null");
  for (const char* none :
       {"{}", R"({"loadBalancingConfig":[{"round_robin":{}}]})",
        R"({"loadBalancingPolicy":"multi_backend"})"}) {
    EXPECT_EQ(PolicyEntry(Read(none)).text(), "") << none;
  }
}

TEST(LeavesPolicyOpenTest, UnlessItNamesAnother) {
  for (const char* open : {"{}", R"({"loadBalancingPolicy":"multi_backend"})",
                           R"({"methodConfig":[]})"}) {
    EXPECT_TRUE(LeavesPolicyOpen(Read(open))) << open;
  }
  for (const char* taken :
       {R"({"loadBalancingConfig":[]})", R"({"loadBalancingConfig":null})",
        R"({"loadBalancingPolicy":"round_robin"})",
        R"({"loadBalancingPolicy":null})"}) {
    EXPECT_FALSE(LeavesPolicyOpen(Read(taken))) << taken;
  }
}

TEST(HasRoutingTest, NeedsAPartWithContent) {
  EXPECT_TRUE(HasRouting(Read(R"({"multiBackend":{"routes":[]}})")));
  for (const char* none :
       {"{}", R"({"multiBackend":{}})", R"({"multiBackend":null})",
        R"({"multiBackend":[1]})"}) {
    EXPECT_FALSE(HasRouting(Read(none))) << none;
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/resolver/groups/static_target.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

TEST(ParseStaticTargetTest, KeepsTheOrderOfTheList) {
  struct Row {
    std::string path;
    EndpointList list;
  };
  const Endpoint a = Endpoint::Of("a.example", 1);
  const Endpoint b = Endpoint::Of("10.0.0.1", 2);
  const Endpoint c = Endpoint::Of("::1", 3);
  const std::vector<Row> rows = {
      {"", {}},
      {"/", {}},
      {"a.example:1", {a}},
      {"/a.example:1", {a}},
      {"a.example:1,10.0.0.1:2,[::1]:3", {a, b, c}},
      {"/[::1]:3,10.0.0.1:2,a.example:1", {c, b, a}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const auto list = ParseStaticTarget(row.path);
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(*list, row.list);
  }
}

TEST(ParseStaticTargetTest, NamesTheBadEndpoint) {
  struct Row {
    std::string path;
    std::string message;
  };
  const std::vector<Row> rows = {
      {",", "static target: endpoint 1 is empty"},
      {"//", R"(static target: endpoint 1: address "/": port is missing, )"
             R"(write host:port)"},
      {"a:1,", "static target: endpoint 2 is empty"},
      {",a:1", "static target: endpoint 1 is empty"},
      {"a:1,,b:1", "static target: endpoint 2 is empty"},
      {"a:99999", R"(static target: endpoint 1: address "a:99999": port must )"
                  R"(be 1..65535)"},
      {"a:1,b", R"(static target: endpoint 2: address "b": port is missing, )"
                R"(write host:port)"},
      {"a:1, b:1", R"(static target: endpoint 2: address " b:1": host must )"
                   R"(not contain " ")"},
      {"a:1;b:1", R"(static target: endpoint 1: address "a:1;b:1": more than )"
                  R"(one ":")"},
      {"a:1,b:1,a:1", R"(static target: endpoint 3: address "a:1" is a )"
                      R"(duplicate of endpoint 1)"},
      {"[::1]:1,[0::1]:1", R"(static target: endpoint 2: address "[0::1]:1" )"
                           R"(is a duplicate of endpoint 1)"},
      {"a:1/b", R"(static target: endpoint 1: address "a:1/b": port "1/b" is )"
                R"(not a number)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const auto list = ParseStaticTarget(row.path);
    ASSERT_FALSE(list.ok());
    EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(list.status().message(), row.message);
  }
}

TEST(ParseStaticTargetTest, TakesTenThousandEndpointsAndNotOneMore) {
  std::string path = "h:1";
  for (int i = 2; i <= 10000; ++i) absl::StrAppend(&path, ",h:", i);
  const auto list = ParseStaticTarget(path);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->size(), 10000u);
  EXPECT_EQ(list->back(), Endpoint::Of("h", 10000));
  EXPECT_EQ(ParseStaticTarget(path + ",h:10001").status(),
            absl::InvalidArgumentError(
                "static target: 10001 endpoints, at most 10000 are allowed; "
                "register a group"));
}

}  // namespace
}  // namespace multi_backend

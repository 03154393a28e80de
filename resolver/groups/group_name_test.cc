#include "multi_backend/resolver/groups/group_name.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(ParseGroupTargetTest, AcceptsNamesAndSaysWhatIsWrongWithOthers) {
  const std::string longest(128, 'n');
  struct Row {
    std::string path;
    std::string name;
    std::string message;  // "" = accepted.
  };
  const std::vector<Row> rows = {
      {"users", "users", ""},
      {"/users", "users", ""},
      {"Users_2.eu-west", "Users_2.eu-west", ""},
      {longest, longest, ""},
      {"", "", R"(group name "" is empty)"},
      {"/", "", R"(group name "" is empty)"},
      {"//users", "",
       R"(group name "/users" must not contain "/", only )"
       R"(letters, digits and "_.-")"},
      {"a/b", "",
       R"(group name "a/b" must not contain "/", only letters, )"
       R"(digits and "_.-")"},
      {"a b", "",
       R"(group name "a b" must not contain " ", only letters, )"
       R"(digits and "_.-")"},
      {"a\n", "",
       R"(group name "a\n" must not contain "\n", only letters, )"
       R"(digits and "_.-")"},
      {longest + "n", "",
       absl::StrCat("group name \"", longest,
                    "...\" is longer than 128 characters")},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.path);
    const auto name = ParseGroupTarget(row.path);
    EXPECT_EQ(name.ok(), row.message.empty());
    if (name.ok()) {
      EXPECT_EQ(*name, row.name);
    } else {
      EXPECT_EQ(name.status(), absl::InvalidArgumentError(row.message));
    }
  }
}

}  // namespace
}  // namespace multi_backend

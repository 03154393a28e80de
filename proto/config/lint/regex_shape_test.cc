#include "multi_backend/proto/config/lint/regex_shape.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "multi_backend/proto/config/lint/regex_tokens.h"
#include "re2/re2.h"

namespace multi_backend {
namespace {

TEST(RegexShapeTest, BranchesAreThoseOfTheTopLevel) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows = {
      {"", {""}},
      {"a", {"a"}},
      {"a|b|", {"a", "b", ""}},
      {"(a|b)", {"a", "b"}},
      {"((?:a|b))", {"a", "b"}},
      {"(?P<n>a|b)", {"a", "b"}},
      {"(a|b)c|d", {"(a|b)c", "d"}},
      {"(a|b)*", {"(a|b)*"}},
      {"[|(]|b", {"[|(]", "b"}},
      {"[]|]|b", {"[]|]", "b"}},
      {"[^]|]|b", {"[^]|]", "b"}},
      {"[[:alpha:]|]|b", {"[[:alpha:]|]", "b"}},
      {R"(a\|b|c)", {R"(a\|b)", "c"}},
      {R"(\Qa|b\E|c)", {R"(\Qa|b\E)", "c"}},
      {R"((\Q)|\E|x)|c)", {R"((\Q)|\E|x))", "c"}},
      {R"(\p{Greek}|\x{41}|\pL)", {R"(\p{Greek})", R"(\x{41})", R"(\pL)"}},
      {"a{2,3}?|b{", {"a{2,3}?", "b{"}},
  };
  for (const auto& [pattern, branches] : rows) {
    ASSERT_TRUE(RE2(pattern).ok()) << pattern;
    EXPECT_EQ(SplitBranches(pattern), branches) << pattern;
  }
}

TEST(RegexShapeTest, AnAnchorOfOneBranchIsSeen) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"^create|update|delete", "^create"},
      {"create|update|delete$", "delete$"},
      {"(^create|update)", "^create"},
      {R"(\Acreate|update)", R"(\Acreate)"},
      {R"(create|update\z)", R"(update\z)"},
      {"^a|^b|c", "^a"},
      {"^a|^b", ""},
      {"^(a|b)", ""},
      {"^(a|b)$", ""},
      {"^a$|^b$", ""},
      {"^a", ""},
      {"a|b", ""},
      {R"(\^a|b)", ""},
      {"[^a]|b", ""},
      {R"(a|b\$)", ""},
      {"(?i)^a|b", ""},
      {"", ""},
  };
  for (const auto& [pattern, branch] : rows) {
    EXPECT_EQ(LopsidedAnchor(pattern), branch) << pattern;
  }
}

TEST(RegexShapeTest, APatternOfMoreThan64GroupsIsNotJudged) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "a/^b" + std::string(depth, ')');
  };
  EXPECT_TRUE(NeverMatches(nested(64)));
  EXPECT_FALSE(NeverMatches(nested(65)));
  EXPECT_FALSE(AlwaysHolds(nested(65), '/'));
  EXPECT_EQ(ExpandPattern(nested(65)), absl::nullopt);
}

TEST(RegexShapeTest, AnImpossiblePatternIsSeen) {
  for (const char* pattern :
       {"a^b", "a$b", "a^b|c$d", "(a^b)c", "(a)^b", R"(a\Ab)", R"(a\zb)",
        "(a|b)^c", ".^a", "[a]^", "$a", "a+^", "(x(a^b))", "a{2}^"}) {
    EXPECT_TRUE(NeverMatches(pattern)) << pattern;
  }
  for (const char* pattern :
       {"", "^a$", "a*^b", "a?^b", "(a|)^b", "a^b|c", "(a^b)?c", "a{0,2}^b",
        "^", "$^", "a(^b)?", "(?m)a^b", R"(a\^b)", "a[$]b", "[^a]", "a^*b"}) {
    EXPECT_FALSE(NeverMatches(pattern)) << pattern;
  }
}

TEST(RegexShapeTest, ACharacterThatEveryMatchHoldsIsSeen) {
  for (const char* pattern :
       {"a/b", "users.Users/Get", "(a/b)", "(a/|/b)", "a/+", ".*/.*", R"(\/)",
        R"(\Qa/b\E)", "(x/){2}", "a/|b/", "a/|b^c"}) {
    EXPECT_TRUE(AlwaysHolds(pattern, '/')) << pattern;
  }
  for (const char* pattern : {"", "a", "a/?", "a/*", "(a/)?b", "a/|b", "[/]",
                              "[^/]*", "(?i)a/b", "a/{0,1}"}) {
    EXPECT_FALSE(AlwaysHolds(pattern, '/')) << pattern;
  }
}

std::string Text(const absl::optional<std::vector<NameSet>>& sets) {
  if (!sets.has_value()) return "unknown";
  return absl::StrJoin(*sets, " ", [](std::string* out, const NameSet& set) {
    absl::StrAppend(out, set.text, set.prefix ? "*" : ".");
  });
}

TEST(RegexShapeTest, LiteralsGroupsAndAFinalAnythingAreExpanded) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "*"},
      {".*", "*"},
      {"(.*)", "*"},
      {"^.*$", "*"},
      {".*?", "*"},
      {"Get", "Get."},
      {"Get.*", "Get*"},
      {"^Get$", "Get."},
      {"Get|List", "Get. List."},
      {"(Get|List).*", "Get* List*"},
      {"(Get|List)(User|Item)", "GetUser. GetItem. ListUser. ListItem."},
      {"(?:Get|List.*)", "Get. List*"},
      {"Get(User)?", "unknown"},
      {"Get|L.st", "unknown"},
      {"(Get.*)x", "unknown"},
      {".+", "unknown"},
      {"Get.", "unknown"},
      {"[G]et", "unknown"},
      {"(?i)get", "unknown"},
      {R"(users\.Users)", "users.Users."},
      {R"(\QA.B*\E.*)", "A.B**"},
      {R"(\d)", "unknown"},
      {"a{2}", "unknown"},
      {"a|^b", "a. b."},
      {"a^b", "unknown"},
      {"(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)", "unknown"},
  };
  for (const auto& [pattern, text] : rows) {
    EXPECT_EQ(Text(ExpandPattern(pattern)), text) << pattern;
  }
}

// Every pattern of up to five atoms of a small alphabet, compared with RE2
// itself on every text of up to three characters.
class EveryPattern {
 public:
  static constexpr char kAlphabet[] = "ab/.*^$|()?";

  template <typename Check>
  static void ForEach(const Check& check) {
    std::string pattern;
    Extend(&pattern, check);
  }

 private:
  template <typename Check>
  static void Extend(std::string* pattern, const Check& check) {
    const RE2 re(*pattern, RE2::Quiet);
    if (re.ok()) check(*pattern, re);
    if (pattern->size() == 4) return;
    for (char c : absl::string_view(kAlphabet)) {
      pattern->push_back(c);
      Extend(pattern, check);
      pattern->pop_back();
    }
  }
};

std::vector<std::string> EveryText() {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 3) break;
    for (char c : {'a', 'b', '/', '|'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

TEST(RegexShapeTest, WhatIsSaidOfAPatternHoldsForRe2) {
  const std::vector<std::string> texts = EveryText();
  int impossible = 0;
  int expanded = 0;
  EveryPattern::ForEach([&](const std::string& pattern, const RE2& re) {
    const bool never = NeverMatches(pattern);
    const bool slash = AlwaysHolds(pattern, '/');
    auto sets = ExpandPattern(pattern);
    impossible += never;
    expanded += sets.has_value();
    for (const std::string& text : texts) {
      const bool matches = pattern.empty() || RE2::FullMatch(text, re);
      if (matches) {
        ASSERT_FALSE(never) << pattern << " on " << text;
        ASSERT_TRUE(!slash || absl::StrContains(text, "/"))
            << pattern << " on " << text;
      }
      if (!sets.has_value()) continue;
      bool in_sets = false;
      for (const NameSet& set : *sets) {
        in_sets |=
            set.prefix ? absl::StartsWith(text, set.text) : text == set.text;
      }
      ASSERT_EQ(in_sets, matches) << pattern << " on " << text;
    }
  });
  EXPECT_GT(impossible, 100);
  EXPECT_GT(expanded, 100);
}

}  // namespace
}  // namespace multi_backend

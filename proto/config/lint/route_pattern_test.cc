#include "multi_backend/proto/config/lint/route_pattern.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "re2/re2.h"

namespace multi_backend {
namespace {

TEST(RoutePatternTest, AnAnchorOfOneBranchIsSeen) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"^create|update|delete", "^create"},
      {"create|update|delete$", "delete$"},
      {"^a|^b|c", "^a"},
      {"^(a|b)c|d", "^(a|b)c"},
      {"[]|]|^b", "^b"},
      {"[^]|]|^b", "^b"},
      {R"(^a\|b|c)", R"(^a\|b)"},
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
      {R"(\Q^\E|b)", ""},
      {"", ""},
  };
  for (const auto& [pattern, branch] : rows) {
    ASSERT_TRUE(RE2(pattern).ok()) << pattern;
    EXPECT_EQ(RoutePattern(pattern).LopsidedAnchor(), branch) << pattern;
  }
}

TEST(RoutePatternTest, AnAnchorInsideLetsNothingMatch) {
  for (const char* pattern : {"a^b", "a$b", "a^b|c$d", ".^a", "$a", "x*a^b",
                              "Get^User", "a^", "users/^Get"}) {
    EXPECT_TRUE(RoutePattern(pattern).NeverMatches()) << pattern;
  }
  for (const char* pattern :
       {"", "^a$", "a*^b", "a?^b", "(a|)^b", "a^b|c", "(a^b)?c", "a{0,2}^b",
        "^", "$^", "a(^b)?", "(?m)a^b", R"(a\^b)", "a[$]b", "[^a]", "a^*b",
        "a$b?", R"(\b^a)"}) {
    EXPECT_FALSE(RoutePattern(pattern).NeverMatches()) << pattern;
  }
}

TEST(RoutePatternTest, ACharacterThatEveryMatchContainsIsSeen) {
  for (const char* pattern :
       {"a/b", "users.Users/Get", "(a/b)", "(a/|/b)", "a/+", ".*/.*", R"(\/)",
        R"(\Qa/b\E)", "(x/){2}", "a/|b/", "[/]", "(?i)a/b"}) {
    EXPECT_TRUE(RoutePattern(pattern).AlwaysContains('/')) << pattern;
  }
  for (const char* pattern :
       {"", "a", "a/?", "a/*", "(a/)?b", "a/|b", "[^/]*", "[/a]", "a/{0,1}"}) {
    EXPECT_FALSE(RoutePattern(pattern).AlwaysContains('/')) << pattern;
  }
  EXPECT_TRUE(RoutePattern(R"(a\.b)").AlwaysContains('.'));
  EXPECT_FALSE(RoutePattern("a.b").AlwaysContains('.'));
}

TEST(RoutePatternTest, CoversWhatItMatchesForSure) {
  const std::vector<std::pair<std::string, std::string>> covers = {
      {"", "a[b]"},
      {"(.*)", "a[b]"},
      {"^.*$", ""},
      {"a[b]", "a[b]"},
      {"a[bc]", "^ab|ac$"},
      {"(Get|List).*", "GetUser.*|List|ListItem"},
      {"(?:Get|List).*", "^(GetUser|ListUser)$"},
      {R"(a\..*)", R"(a\.B)"},
      {"a.b", R"(a\.b)"},
  };
  for (const auto& [earlier, later] : covers) {
    EXPECT_TRUE(RoutePattern(earlier).Covers(RoutePattern(later)))
        << earlier << " and " << later;
  }
  const std::vector<std::pair<std::string, std::string>> in_doubt = {
      {"Get", ""},         {"Get", "Get.*"},
      {"Get.*", "Ge.*"},   {"Get|List", "(Get|Find)"},
      {"(a$).*", "ab"},    {"(a$).*", "ab.*"},
      {R"(a\.b)", "a.b"},  {".+", ""},
      {"[a-z].*", "a.*"},  {"ab.*", "a[b]"},
      {R"(a\..*)", "a.*"},
  };
  for (const auto& [earlier, later] : in_doubt) {
    EXPECT_FALSE(RoutePattern(earlier).Covers(RoutePattern(later)))
        << earlier << " and " << later;
  }
}

// Returns every pattern that RE2 compiles, of up to four characters from a
// small alphabet.
std::vector<std::string> EveryPattern() {
  std::vector<std::string> texts = {""};
  std::vector<std::string> patterns;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (RE2(texts[i], RE2::Quiet).ok()) patterns.push_back(texts[i]);
    if (texts[i].size() == 4) continue;
    for (char c : absl::string_view("ab/.*^$|()?")) {
      texts.push_back(texts[i] + c);
    }
  }
  return patterns;
}

std::vector<std::string> EveryText() {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 3) break;
    for (char c : {'a', 'b', '/', '|'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

TEST(RoutePatternTest, WhatIsSaidOfAPatternHoldsForRe2) {
  const std::vector<std::string> texts = EveryText();
  std::vector<RoutePattern> others;
  std::vector<std::vector<bool>> other_matches;
  for (const char* other : {"", "a", "a.*", "ab|b", "(a|b).*", "/"}) {
    others.emplace_back(other);
    const RE2 re(other);
    other_matches.emplace_back();
    for (const std::string& text : texts) {
      other_matches.back().push_back(*other == '\0' ||
                                     RE2::FullMatch(text, re));
    }
  }
  int impossible = 0;
  int slashes = 0;
  int covering = 0;
  for (const std::string& pattern : EveryPattern()) {
    const RE2 re(pattern, RE2::Quiet);
    const RoutePattern judged(pattern);
    const bool never = judged.NeverMatches();
    const bool slash = judged.AlwaysContains('/');
    std::vector<bool> covers;
    for (const RoutePattern& other : others) {
      covers.push_back(judged.Covers(other));
      covering += covers.back();
    }
    impossible += never;
    slashes += slash;
    for (size_t t = 0; t < texts.size(); ++t) {
      SCOPED_TRACE(absl::StrCat(pattern, " on ", texts[t]));
      const bool matches = pattern.empty() || RE2::FullMatch(texts[t], re);
      if (matches) {
        ASSERT_FALSE(never);
        ASSERT_TRUE(!slash || absl::StrContains(texts[t], "/"));
        continue;
      }
      for (size_t o = 0; o < others.size(); ++o) {
        ASSERT_FALSE(covers[o] && other_matches[o][t]);
      }
    }
  }
  EXPECT_GT(impossible, 100);
  EXPECT_GT(slashes, 100);
  EXPECT_GT(covering, 100);
}

}  // namespace
}  // namespace multi_backend

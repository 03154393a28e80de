#include "multi_backend/proto/json/syntax.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(JsonSyntaxTest, TakesEveryFormOfTheStandard) {
  const std::vector<std::string> texts = {
      "0",
      "-0",
      "1.5",
      "-10.25e+3",
      "1E-7",
      "true",
      "false",
      "null",
      "\"\"",
      "[]",
      "{}",
      " [ 1 , 2 ] ",
      "{ \"\" : [ ] }",
      "\t\r\n{\"a\":{\"a\":1}}",
      R"("\"\\\/\b\f\n\r\t\u0000\uD83D\uDE00")",
      "\"\x7f \xc2\x80 \xe0\xa0\x80 \xed\x9f\xbf \xf0\x90\x80\x80 "
      "\xf4\x8f\xbf\xbf\"",
      std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')};
  for (const std::string& text : texts) {
    EXPECT_EQ(CheckJsonSyntax(text), absl::OkStatus()) << text;
  }
}

struct Row {
  std::string text;
  std::string why;
};

TEST(JsonSyntaxTest, RefusesEverythingElseWithThePlace) {
  const std::string value = "expected a value";
  const std::string surrogate = "a surrogate without its other half";
  const std::vector<Row> rows = {
      {"tru", "line 1, column 1: " + value},
      {"True", "line 1, column 1: " + value},
      {"NaN", "line 1, column 1: " + value},
      {"+1", "line 1, column 1: " + value},
      {".5", "line 1, column 1: " + value},
      {"\xef\xbb\xbf{}", "line 1, column 1: " + value},
      {"nullx", "line 1, column 5: expected the end of the text"},
      {"01", "line 1, column 1: a number must not begin with 0"},
      {"-01", "line 1, column 2: a number must not begin with 0"},
      {"-", "line 1, column 2: expected a digit"},
      {"1.", "line 1, column 3: expected a digit"},
      {"1e", "line 1, column 3: expected a digit"},
      {"1e+", "line 1, column 4: expected a digit"},
      {"1 2", "line 1, column 3: expected the end of the text"},
      {"[1 2]", "line 1, column 4: expected ',' or ']'"},
      {"[,]", "line 1, column 2: " + value},
      {"[", "line 1, column 2: expected a value, found the end of the text"},
      {"{,}", "line 1, column 2: expected a key in double quotes"},
      {"{\"a\"}", "line 1, column 5: expected ':'"},
      {"{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}'"},
      {"{1:2}", "line 1, column 2: expected a key in double quotes"},
      {"\n\n {\"k\":1,\n\"k\":2}", "line 4, column 1: duplicate key \"k\""},
      {"\"abc", "line 1, column 1: the string has no end"},
      {"\"a\nb\"",
       "line 1, column 3: a control character in a string must be escaped"},
      {R"("\q")", "line 1, column 2: unknown escape"},
      {"\"\\", "line 1, column 2: unknown escape"},
      {R"("\u12g4")", "line 1, column 2: \\u needs four hexadecimal digits"},
      {"\"\\u12", "line 1, column 2: \\u needs four hexadecimal digits"},
      {R"("\ud800")", "line 1, column 2: " + surrogate},
      {R"("\udc00")", "line 1, column 2: " + surrogate},
      {R"("\ud800\u0041")", "line 1, column 2: " + surrogate},
      {"\"\x80\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xc0\xaf\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xe0\x9f\xbf\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xed\xa0\x80\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xf0\x8f\xbf\xbf\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xf4\x90\x80\x80\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xf5\x80\x80\x80\"", "line 1, column 2: invalid UTF-8"},
      {"\"\xe2\x82", "line 1, column 2: invalid UTF-8"},
      {std::string(kMaxJsonDepth + 1, '['),
       absl::StrCat("line 1, column ", kMaxJsonDepth + 1,
                    ": nested deeper than 24 levels")},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(CheckJsonSyntax(row.text), absl::InvalidArgumentError(row.why))
        << row.text;
  }
}

}  // namespace
}  // namespace multi_backend

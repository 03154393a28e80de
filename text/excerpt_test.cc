#include "multi_backend/text/excerpt.h"

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(ExcerptTest, WhatIsCutOffIsMarked) {
  EXPECT_EQ(Excerpt("", 4), "");
  EXPECT_EQ(Excerpt("abcd", 4), "abcd");
  EXPECT_EQ(Excerpt("abcde", 4), "abcd...");
  EXPECT_EQ(Excerpt(std::string(301, 'x')), std::string(300, 'x') + "...");
}

TEST(ExcerptTest, WhatWouldBreakALineIsEscaped) {
  EXPECT_EQ(Excerpt("a\n\"b\"\x1b[1m"), "a\\n\\\"b\\\"\\x1b[1m");
  // Bytes are counted before they are escaped, and a character may be cut.
  EXPECT_EQ(Excerpt("\xc3\xa4", 1), "\\xc3...");
}

TEST(ExcerptTest, QuotedStandsInQuotes) {
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(Quoted("abcde", 4), "\"abcd...\"");
}

TEST(ExcerptTest, AShortenedMessageStaysAsItIs) {
  EXPECT_EQ(Shortened("a \"b\"", 5), "a \"b\"");
  EXPECT_EQ(Shortened("a \"b\"", 4), "a \"b...");
}

}  // namespace
}  // namespace multi_backend

// Tests of ShownText() and ShownTarget().
#include "multi_backend/observability/admin/shown_text.h"

#include <gtest/gtest.h>

#include <string>

namespace multi_backend {
namespace {

#define R "\xEF\xBF\xBD"

TEST(ShownTextTest, ValidTextStays) {
  EXPECT_EQ(ShownText(""), "");
  EXPECT_EQ(ShownText("10.0.0.1:50051"), "10.0.0.1:50051");
  EXPECT_EQ(ShownText("<script>\"'&"), "<script>\"'&");
  EXPECT_EQ(ShownText("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80");
}

TEST(ShownTextTest, ControlCharactersAreReplaced) {
  EXPECT_EQ(ShownText("a\nb\x1B[2J\x7F"), "a" R "b" R "[2J" R);
  EXPECT_EQ(ShownText(std::string("a\0b", 3)), "a" R "b");
  EXPECT_EQ(ShownText("\xC2\x85"), R);  // C1.
  EXPECT_EQ(ShownText("a\xE2\x80\xAE"
                      "b"),
            "a" R "b");  // Right to left.
}

TEST(ShownTextTest, InvalidBytesAreReplacedEach) {
  EXPECT_EQ(ShownText("a\xFFz"), "a" R "z");
  EXPECT_EQ(ShownText("\xC0\xAF"), R R);              // Overlong.
  EXPECT_EQ(ShownText("\xED\xA0\x80"), R R R);        // A surrogate.
  EXPECT_EQ(ShownText("\xF4\x90\x80\x80"), R R R R);  // Beyond Unicode.
  EXPECT_EQ(ShownText("\xE2\x82"), R R);              // Cut off.
}

TEST(ShownTextTest, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(ShownText("abcdef", 3), "abc\xE2\x80\xA6");
  EXPECT_EQ(ShownText("ab\xE2\x82\xAC", 4), "ab\xE2\x80\xA6");
  EXPECT_EQ(ShownText("abc", 3), "abc");
}

TEST(ShownTargetTest, PasswordsAreNotShown) {
  EXPECT_EQ(ShownTarget("etcd://root:secret@h1:2379,h2:2379/services/"),
            "etcd://***@h1:2379,h2:2379/services/");
  EXPECT_EQ(ShownTarget("etcd://secret@x@h:1"), "etcd://***@h:1");
  EXPECT_EQ(ShownTarget("static:///a@b:1"), "static:///a@b:1");
  EXPECT_EQ(ShownTarget("localhost:50051"), "localhost:50051");
  EXPECT_EQ(ShownTarget("dns:///users.example:50051"),
            "dns:///users.example:50051");
}

}  // namespace
}  // namespace multi_backend

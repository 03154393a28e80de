#include "multi_backend/observability/metrics/label_text.h"

#include <gtest/gtest.h>

#include <string>

namespace multi_backend {
namespace {

TEST(LabelTextTest, ValidTextsStayAsTheyAre) {
  for (const char* text : {"", "10.0.0.1:50051", "käse", "日本", "\U0001F600",
                           "a\nb\"c\\", "\x7f"}) {
    EXPECT_EQ(LabelText(text), text);
  }
}

TEST(LabelTextTest, EachInvalidByteBecomesAQuestionMark) {
  struct Row {
    std::string text;
    const char* expected;
  };
  for (const Row& row : {
           Row{"a\xff\xfe"
               "b",
               "a??b"},
           Row{"\xc0\xaf", "??"},            // Overlong "/".
           Row{"\xe0\x80\xaf", "???"},       // Overlong.
           Row{"\xed\xa0\x80", "???"},       // A surrogate.
           Row{"\xf4\x90\x80\x80", "????"},  // Above U+10FFFF.
           Row{"\xf0\x9f\x98", "???"},       // Cut off.
           Row{"\xe6\x97x", "??x"},
       }) {
    EXPECT_EQ(LabelText(row.text), row.expected);
  }
}

TEST(LabelTextTest, LongTextsAreCutBetweenCharacters) {
  EXPECT_EQ(LabelText(std::string(kMaxLabelBytes, 'x')),
            std::string(kMaxLabelBytes, 'x'));
  EXPECT_EQ(LabelText(std::string(1 << 20, 'x')),
            std::string(kMaxLabelBytes - 3, 'x') + "...");
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "日";
  const std::string cut = LabelText(wide);
  EXPECT_EQ(cut, wide.substr(0, 84 * 3) + "...");
  EXPECT_LE(cut.size(), kMaxLabelBytes);
}

TEST(MethodLabelsOfTest, OnlyAPathHasAServiceAndAMethod) {
  EXPECT_EQ(MethodLabelsOf("/pkg.Users/GetUser").service, "pkg.Users");
  EXPECT_EQ(MethodLabelsOf("/pkg.Users/GetUser").method, "GetUser");
  for (const char* path : {"", "/", "//", "GetUser", "/GetUser", "pkg/Get",
                           "/pkg/", "//Get", "other"}) {
    EXPECT_EQ(MethodLabelsOf(path).service, "other") << path;
    EXPECT_EQ(MethodLabelsOf(path).method, "other") << path;
  }
}

}  // namespace
}  // namespace multi_backend

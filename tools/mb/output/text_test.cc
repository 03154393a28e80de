#include "multi_backend/tools/mb/output/text.h"

#include <string>

#include "gtest/gtest.h"

namespace multi_backend {
namespace mb {
namespace {

TEST(PrintableTest, NothingThatActsOnATerminalIsLeft) {
  const struct {
    absl::string_view text;
    const char* printable;
  } rows[] = {
      {"", ""},
      {"10.0.0.1:80", "10.0.0.1:80"},
      {"users\\..*", "users\\..*"},
      {"Größe 東京 ✓", "Größe 東京 ✓"},
      {"\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"},
      {"a\nb\r\tc", "a\\nb\\r\\tc"},
      {absl::string_view("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\u009b31m"},  // CSI as one character.
      {"\xe2\x80\xae"
       "evil",
       "\\u202eevil"},                               // Right to left.
      {"\xe2\x81\xa6", "\\u2066"},                   // An isolate.
      {"\xef\xbb\xbf", "\\ufeff"},                   //
      {"\xf3\xa0\x80\x81", "\\ue0001"},              // A tag.
      {"\xff\x80", "\\xff\\x80"},                    // No UTF-8.
      {"\xc0\x9b", "\\xc0\\x9b"},                    // An overlong form of ESC.
      {"\xe0\x80\x9b", "\\xe0\\x80\\x9b"},           // Another one.
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // A surrogate.
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // Beyond U+10FFFF.
      {"\xe2\x80", "\\xe2\\x80"},                    // Cut off.
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Printable(row.text), row.printable);
  }
}

TEST(PrintableTest, LongTextsAreCutAtACharacter) {
  EXPECT_EQ(Printable("abcdef", 3), "abc…");
  EXPECT_EQ(Printable("äöü", 3), "äöü");
  EXPECT_EQ(Printable("äöüß", 3), "äöü…");
  EXPECT_EQ(WidthOf(Printable(std::string(1'000'000, 'x'))), kMaxShown + 1);
}

TEST(ValidUtf8Test, OnlyInvalidBytesAreReplaced) {
  EXPECT_EQ(ValidUtf8("a\xff"
                      "b\n"),
            "a\xef\xbf\xbd"
            "b\n");
  EXPECT_EQ(ValidUtf8("äß東"), "äß東");
}

TEST(TextTableTest, ColumnsAreAsWideAsTheirCells) {
  TextTable table({{"BACKEND"}, {"N", TextTable::Align::kRight}, {"ROLE"}});
  table.AddRow({"10.0.0.1:80", "7", "primär"});
  table.AddRow({"b\n", "1234"});
  EXPECT_EQ(table.ToString(2),
            "  BACKEND         N  ROLE\n"
            "  10.0.0.1:80     7  primär\n"
            "  b\\n          1234\n");
}

TEST(TextTableTest, EmptyColumnsAreLeftOut) {
  TextTable table({{"A"}, {"B"}, {"C"}});
  table.AddRow({"1", "", "3"});
  EXPECT_EQ(table.ToString(), "A  C\n1  3\n");
}

TEST(CountTest, OneIsSingular) {
  EXPECT_EQ(Count(0, "error"), "0 errors");
  EXPECT_EQ(Count(1, "error"), "1 error");
  EXPECT_EQ(Count(2, "error"), "2 errors");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend

#include "multi_backend/text/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

std::string Encoded(uint32_t code) {
  const auto continuation = [code](int shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) {
    return {static_cast<char>(0xc0 | (code >> 6)), continuation(0)};
  }
  if (code < 0x10000) {
    return {static_cast<char>(0xe0 | (code >> 12)), continuation(6),
            continuation(0)};
  }
  return {static_cast<char>(0xf0 | (code >> 18)), continuation(12),
          continuation(6), continuation(0)};
}

TEST(Utf8Test, ReadsEveryCharacterAndNothingElse) {
  for (uint32_t code = 0; code < 0x200000; ++code) {
    const std::string bytes = Encoded(code);
    const Utf8Character read = FirstUtf8Character(bytes + "x");
    const bool is_character =
        code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    ASSERT_EQ(read.size, is_character ? bytes.size() : 0) << std::hex << code;
    ASSERT_EQ(read.code, is_character ? code : 0) << std::hex << code;
    // Cut off, by the end of the text and by another character.
    if (bytes.size() == 1) continue;
    const std::string cut = bytes.substr(0, bytes.size() - 1);
    ASSERT_EQ(FirstUtf8Character(cut).size, 0u) << std::hex << code;
    ASSERT_EQ(FirstUtf8Character(cut + "x").size, 0u) << std::hex << code;
  }
}

TEST(Utf8Test, RefusesWhatNoCharacterBeginsWith) {
  for (const char* bytes :
       {"\x80", "\xbf\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf",
        "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf",
        "\xf8\x88\x80\x80\x80", "\xfe", "\xff"}) {
    EXPECT_EQ(FirstUtf8Character(bytes).size, 0u) << bytes;
  }
}

}  // namespace
}  // namespace multi_backend

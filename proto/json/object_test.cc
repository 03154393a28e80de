#include "multi_backend/proto/json/object.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;

TEST(JsonObjectTest, FindsMembersOfEachType) {
  const std::string text =
      " {\"a\" : \"x\" , \"b\":-12,\"c\":true,\"d\":null, \"e\" :"
      "{\"f\":[1,{\"a\":\"]}\"}],\"g\":7}\n,\"h\":[],\"i\":1.5,\"\":{} } ";
  const auto object = JsonObject::Parse(text);
  ASSERT_TRUE(object.ok()) << object.status();
  std::vector<std::string> names;
  for (const auto& member : object->members()) names.push_back(member.first);
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d", "e", "h", "i", ""));
  EXPECT_EQ(object->Find("a").String(), "x");
  EXPECT_EQ(object->Find("b").Integer(), -12);
  EXPECT_EQ(object->Find("c").Bool(), true);
  EXPECT_TRUE(object->Find("d").empty());
  EXPECT_TRUE(object->Find("z").empty());
  EXPECT_EQ(object->Find("i").Integer(), absl::nullopt);
  EXPECT_EQ(object->Find("i").Number(), 1.5);
  EXPECT_EQ(object->Find("b").Number(), -12);
  EXPECT_EQ(object->Find("a").Number(), absl::nullopt);
  EXPECT_EQ(object->Find("d").Number(), absl::nullopt);
  EXPECT_EQ(object->Find("a").Integer(), absl::nullopt);
  EXPECT_EQ(object->Find("b").String(), absl::nullopt);
  EXPECT_EQ(object->Find("b").Bool(), absl::nullopt);
  EXPECT_FALSE(object->Find("h").Object().has_value());
  ASSERT_TRUE(object->Find("e").Object().has_value());
  EXPECT_EQ(object->Find("e").Object()->Find("g").Integer(), 7);
  ASSERT_TRUE(object->Find("").Object().has_value());
  EXPECT_TRUE(object->Find("").Object()->members().empty());
}

TEST(JsonObjectTest, ANumberIsWhateverADoubleCanHold) {
  const auto object = JsonObject::Parse(
      R"({"a":5e0,"b":-2.5E-1,"c":1e309,"d":9223372036854775808,"e":true})");
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->Find("a").Number(), 5);
  EXPECT_EQ(object->Find("b").Number(), -0.25);
  EXPECT_EQ(object->Find("c").Number(), absl::nullopt);
  EXPECT_EQ(object->Find("d").Number(), 9223372036854775808.0);
  EXPECT_EQ(object->Find("d").Integer(), absl::nullopt);
  EXPECT_EQ(object->Find("e").Number(), absl::nullopt);
  EXPECT_EQ(object->Find("z").Number(), absl::nullopt);
}

TEST(JsonObjectTest, ReadsArrays) {
  const auto object = JsonObject::Parse(
      R"({"a":[1, "x,]" ,{"b":[2]},[3,[4]] ],"e":[ ],"n":7})");
  ASSERT_TRUE(object.ok()) << object.status();
  const auto array = object->Find("a").Array();
  ASSERT_TRUE(array.has_value());
  ASSERT_EQ(array->size(), 4u);
  EXPECT_EQ((*array)[0].Integer(), 1);
  EXPECT_EQ((*array)[1].String(), "x,]");
  ASSERT_TRUE((*array)[2].Object().has_value());
  EXPECT_EQ((*array)[2].Object()->Find("b").Array()->size(), 1u);
  EXPECT_EQ((*array)[3].Array()->size(), 2u);
  EXPECT_EQ(object->Find("e").Array()->size(), 0u);
  EXPECT_FALSE(object->Find("n").Array().has_value());
  EXPECT_FALSE(object->Find("z").Array().has_value());
}

TEST(JsonObjectTest, ReadsEscapes) {
  struct Row {
    std::string json;
    std::string text;
  };
  for (const Row& row : std::vector<Row>{
           {R"("")", ""},
           {R"("a\"b\\c\/d")", "a\"b\\c/d"},
           {R"("\b\f\n\r\t")", "\b\f\n\r\t"},
           {R"("\u0041\u00e9\u20AC")", "A\xC3\xA9\xE2\x82\xAC"},
           {R"("\ud83d\ude00")", "\xF0\x9F\x98\x80"},
           {R"("\\u0041")", "\\u0041"},
       }) {
    const std::string text = "{\"k\\u0041\":" + row.json + "}";
    const auto object = JsonObject::Parse(text);
    ASSERT_TRUE(object.ok()) << row.json << ": " << object.status();
    EXPECT_EQ(object->Find("kA").String(), row.text) << row.json;
  }
}

TEST(JsonObjectTest, WhatIsQuotedReadsBackTheSame) {
  std::string text;
  for (int c = 0; c < 128; ++c) text.push_back(static_cast<char>(c));
  text += "\xC3\xA9";
  const std::string json = "{\"k\":" + JsonQuote(text) + "}";
  const auto object = JsonObject::Parse(json);
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(object->Find("k").String(), text);
}

TEST(JsonObjectTest, RefusesWhatIsNoObject) {
  for (const char* text : {"", "[]", "1", "\"{}\"", "null", "{", "{\"a\"}",
                           "{\"a\":1,}", "{\"a\":1}{", "{\"a\":1,\"a\":2}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(JsonObject::Parse(text).status()))
        << text;
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/interceptors/request_field.h"

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "multi_backend/interceptors/testing/proto2_request.pb.h"
#include "multi_backend/interceptors/testing/proto3_request.pb.h"

#if GOOGLE_PROTOBUF_VERSION < 4022000
#include "google/protobuf/stubs/logging.h"
#endif

namespace multi_backend {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::TextFormat;
using google::protobuf::io::ArrayInputStream;

namespace p2 = ::multi_backend::testing::p2;
namespace p3 = ::multi_backend::testing::p3;

class RequestFieldTest : public ::testing::Test {
 protected:
  const Descriptor* Type(const std::string& package) const {
    return package == "p3" ? p3::Request::descriptor()
                           : p2::Request::descriptor();
  }

  // Does not use the generated classes: under the thread sanitizer, protobuf's
  // headers give maps another layout than the distribution's library has.
  std::unique_ptr<Message> NewRequest(const std::string& package) {
    return std::unique_ptr<Message>(
        factory_.GetPrototype(Type(package))->New());
  }

  RequestField Field(const std::string& package, absl::string_view path) const {
    auto field = RequestField::Make(Type(package), path);
    EXPECT_TRUE(field.ok()) << field.status();
    return *std::move(field);
  }

  std::unique_ptr<Message> Parse(const std::string& package,
                                 const std::string& text) {
    std::unique_ptr<Message> message = NewRequest(package);
    TextFormat::Parser parser;
    parser.AllowPartialMessage(true);
    EXPECT_TRUE(parser.ParseFromString(text, message.get())) << text;
    return message;
  }

  std::string Serialize(const std::string& package, const std::string& text) {
    return Parse(package, text)->SerializePartialAsString();
  }

  // Parses the whole message and reads the field, which is slow but obviously
  // right.
  absl::optional<std::string> Oracle(const std::string& package,
                                     const std::vector<std::string>& path,
                                     const std::string& data) {
    std::unique_ptr<Message> message = NewRequest(package);
    if (!message->ParsePartialFromString(data)) return absl::nullopt;
    const Message* at = message.get();
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      at = &at->GetReflection()->GetMessage(
          *at, at->GetDescriptor()->FindFieldByName(path[i]));
    }
    return ValueOf(*at, at->GetDescriptor()->FindFieldByName(path.back()));
  }

  static absl::optional<std::string> ValueOf(const Message& at,
                                             const FieldDescriptor* field) {
    const auto* values = at.GetReflection();
    if (!values->HasField(at, field) && !field->has_default_value()) {
      return absl::nullopt;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return values->GetString(at, field);
      case FieldDescriptor::CPPTYPE_INT32:
        return absl::StrCat(values->GetInt32(at, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return absl::StrCat(values->GetInt64(at, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return absl::StrCat(values->GetUInt32(at, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return absl::StrCat(values->GetUInt64(at, field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return values->GetBool(at, field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_ENUM:
        return absl::StrCat(values->GetEnumValue(at, field));
      default:
        ADD_FAILURE() << "no key: " << field->full_name();
        return absl::nullopt;
    }
  }

 private:
  DynamicMessageFactory factory_;
};

struct ReadCase {
  const char* name;
  const char* package;
  const char* path;
  const char* request;  // Text format.
  absl::optional<std::string> key;
};

TEST_F(RequestFieldTest, AFieldOfEachTypeIsReadAsText) {
  const ReadCase kCases[] = {
      {"string", "p3", "text", "text: 'u1'", "u1"},
      {"string with odd bytes", "p3", "text", "text: 'a\\000b\\n'",
       std::string("a\0b\n", 4)},
      {"bytes", "p3", "raw", "raw: '\\377\\000'", std::string("\xff\0", 2)},
      {"bool", "p3", "flag", "flag: true", "true"},
      {"enum", "p3", "color", "color: RED", "1"},
      {"negative enum", "p3", "color", "color: MINUS", "-2"},
      {"undeclared enum value in proto3", "p3", "color", "color: 77", "77"},
      {"int32", "p3", "i32", "i32: -5", "-5"},
      {"int64", "p3", "i64", "i64: -9223372036854775808",
       "-9223372036854775808"},
      {"uint32", "p3", "u32", "u32: 4294967295", "4294967295"},
      {"uint64", "p3", "u64", "u64: 18446744073709551615",
       "18446744073709551615"},
      {"sint32", "p3", "s32", "s32: -7", "-7"},
      {"sint64", "p3", "s64", "s64: -8", "-8"},
      {"fixed32", "p3", "f32", "f32: 9", "9"},
      {"fixed64", "p3", "f64", "f64: 10", "10"},
      {"sfixed32", "p3", "sf32", "sf32: -11", "-11"},
      {"sfixed64", "p3", "sf64", "sf64: -12", "-12"},
      {"nested", "p3", "user.id", "user { id: 'u2' }", "u2"},
      {"nested twice", "p3", "user.boss.id", "user { boss { id: 'u3' } }",
       "u3"},
      {"among other fields", "p3", "text",
       "i32: 4 text: 'u4' list: [1, 2] table { key: 'a' value: 'b' } "
       "real64: 1.5 users { id: 'x' }",
       "u4"},
      {"in a oneof", "p3", "user.phone", "user { phone: 12 }", "12"},
      {"beside a group", "p2", "text", "Old { id: 'x' } text: 'u5'", "u5"},
  };
  for (const ReadCase& c : kCases) {
    EXPECT_EQ(Field(c.package, c.path).Read(Serialize(c.package, c.request)),
              c.key)
        << c.name;
  }
}

TEST_F(RequestFieldTest, AFieldThatIsNotSetIsNoKeyUnlessADefaultIsDeclared) {
  const ReadCase kCases[] = {
      {"empty request", "p3", "text", "", absl::nullopt},
      {"unset message", "p3", "user.id", "", absl::nullopt},
      {"unset in a set message", "p3", "user.id", "user {}", absl::nullopt},
      {"same field elsewhere", "p3", "user.id", "user { boss { id: 'x' } }",
       absl::nullopt},
      {"other oneof member", "p3", "left", "right {}", absl::nullopt},
      {"unset with presence", "p3", "maybe", "", absl::nullopt},
      {"zero with presence", "p3", "maybe", "maybe: 0", "0"},
      {"empty with presence", "p3", "maybe_text", "maybe_text: ''", ""},
      {"zero in a oneof", "p3", "user.phone", "user { phone: 0 }", "0"},
      {"zero in proto2", "p2", "i32", "i32: 0", "0"},
      {"unset in proto2", "p2", "i32", "", absl::nullopt},
      {"declared string", "p2", "named", "", "nobody"},
      {"declared number", "p2", "number", "", "-42"},
      {"declared bool", "p2", "flag", "", "true"},
      {"declared enum", "p2", "shade", "", "-2"},
      {"set beats declared", "p2", "named", "named: ''", ""},
  };
  for (const ReadCase& c : kCases) {
    EXPECT_EQ(Field(c.package, c.path).Read(Serialize(c.package, c.request)),
              c.key)
        << c.name;
  }
}

struct JoinCase {
  const char* name;
  const char* package;
  const char* path;
  std::vector<std::string> parts;  // Text format; joined on the wire.
  absl::optional<std::string> key;
};

TEST_F(RequestFieldTest, RepeatedOccurrencesMergeAsInAParsedMessage) {
  const JoinCase kCases[] = {
      {"the last wins", "p3", "text", {"text: 'a'", "text: 'b'"}, "b"},
      {"messages merge: the value stays",
       "p3",
       "user.id",
       {"user { id: 'a' }", "user { boss {} }"},
       "a"},
      {"messages merge: the last wins",
       "p3",
       "user.id",
       {"user { id: 'a' }", "user { id: 'b' }"},
       "b"},
      {"a later oneof member takes the field away",
       "p3",
       "left",
       {"left: 'a'", "right {}"},
       absl::nullopt},
      {"and gives it back",
       "p3",
       "left",
       {"left: 'a'", "right {}", "left: 'b'"},
       "b"},
      {"a message in a oneof merges with itself",
       "p3",
       "right.id",
       {"right { id: 'a' }", "right {}"},
       "a"},
      {"but not across another member",
       "p3",
       "right.id",
       {"right { id: 'a' }", "left: 'b'", "right {}"},
       absl::nullopt},
      {"a member of an inner oneof does the same",
       "p3",
       "user.mail",
       {"user { mail: 'a' }", "user { phone: 1 }"},
       absl::nullopt},
      {"an enum member does the same",
       "p2",
       "left",
       {"left: 'a'", "tint: RED"},
       absl::nullopt},
      {"a field outside the oneof does not",
       "p3",
       "left",
       {"left: 'a'", "text: 'b'"},
       "a"},
  };
  for (const JoinCase& c : kCases) {
    std::string data;
    for (const std::string& part : c.parts) data += Serialize(c.package, part);
    EXPECT_EQ(Field(c.package, c.path).Read(data), c.key) << c.name;
  }
}

TEST_F(RequestFieldTest, UnknownValuesDoNotCount) {
  const struct {
    const char* name;
    const char* package;
    const char* path;
    std::string data;
    absl::optional<std::string> key;
  } kCases[] = {
      {"an explicit zero without presence", "p3", "i32",
       std::string("\x28\x05\x28\x00", 4), absl::nullopt},
      {"an explicit empty string without presence", "p3", "text",
       std::string("\x0a\x01x\x0a\x00", 5), absl::nullopt},
      {"another wire type", "p3", "text", "\x0a\x01x\x08\x05", "x"},
      {"another wire type of a oneof member", "p3", "left",
       "\xb2\x01\x01x\xb8\x01\x05", "x"},
      {"an undeclared value of a closed enum", "p2", "color",
       "\x20\x01\x20\x4d", "1"},
      {"an undeclared closed enum value in a oneof", "p2", "left",
       "\xb2\x01\x01x\xc0\x01\x4d", "x"},
      {"an unknown group", "p3", "text", "\x0a\x01x\xf3\x06\x08\x01\xf4\x06",
       "x"},
      {"an int32 of ten bytes is cut to 32 bits", "p3", "i32",
       "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "-1"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Field(c.package, c.path).Read(c.data), c.key) << c.name;
  }
}

TEST_F(RequestFieldTest, MalformedDataIsNoKey) {
  const struct {
    const char* name;
    std::string data;
  } kCases[] = {
      {"a zero tag", std::string("\x0a\x01x\x00", 4)},
      {"a field number of zero", "\x0a\x01x\x02\x01x"},
      {"an end of no group", "\x0a\x01x\x0c"},
      {"a group without end", "\x0a\x01x\x0b"},
      {"an unknown wire type", "\x0a\x01x\x0e"},
      {"a length beyond the end", "\x0a\x05x"},
      {"a length beyond int", "\x0a\xff\xff\xff\xff\x0fx"},
      {"a varint without end", std::string("\x28") + std::string(11, '\xff')},
      {"a cut fixed32", "\x0a\x01x\x5d\x01\x02"},
      {"a nested length beyond the end", "\x0a\x01x\x8a\x01\x09\x0a\x01y"},
      {"a nested string beyond its message", "\x8a\x01\x03\x0a\x05y\x0a\x01x"},
  };
  const RequestField text = Field("p3", "text");
  const RequestField user = Field("p3", "user.id");
  for (const auto& c : kCases) {
    EXPECT_EQ(user.Read(c.data), absl::nullopt) << c.name;
  }
  // The path "text" skips the field user as a whole, so the last case is well
  // formed for it.
  for (size_t i = 0; i + 1 < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    EXPECT_EQ(text.Read(kCases[i].data), absl::nullopt) << kCases[i].name;
  }
}

TEST_F(RequestFieldTest, AMessageThatReachesBeyondItsParentIsMalformed) {
  const std::string boss = "\x12\x09\x0a\x01y";
  EXPECT_EQ(Field("p3", "user.boss.id").Read("\x8a\x01\x05" + boss),
            absl::nullopt);
}

TEST_F(RequestFieldTest, DeepNestingOfUnknownGroupsDoesNotExhaustTheStack) {
  EXPECT_EQ(Field("p3", "text").Read(std::string(1'000'000, '\x0b')),
            absl::nullopt);
}

TEST_F(RequestFieldTest, AKeyOf100KilobytesInSmallPiecesIsWhole) {
  std::string value(100'000, 'k');
  value[50'000] = '\0';
  value[99'999] = '\n';
  std::unique_ptr<Message> message = Parse("p3", "user { boss {} }");
  Message* user = message->GetReflection()->MutableMessage(
      message.get(), Type("p3")->FindFieldByName("user"));
  user->GetReflection()->SetString(
      user, user->GetDescriptor()->FindFieldByName("id"), value);
  const std::string data = message->SerializeAsString();
  for (const int piece : {1, 7, 4096, 1 << 20}) {
    ArrayInputStream stream(data.data(), static_cast<int>(data.size()), piece);
    EXPECT_EQ(Field("p3", "user.id").Read(&stream), value) << piece;
  }
}

struct PathCase {
  const char* path;
  const char* message;
};

TEST_F(RequestFieldTest, APathThatCannotBeAKeyIsRefusedWithTheReason) {
  const PathCase kCases[] = {
      {"", "field \"\" of multi_backend.testing.p3.Request does not exist"},
      {"nope",
       "field \"nope\" of multi_backend.testing.p3.Request does not exist"},
      {"user.nope",
       "field \"nope\" of multi_backend.testing.p3.User does not exist"},
      {"user.", "field \"\" of multi_backend.testing.p3.User does not exist"},
      {".text",
       "field \"\" of multi_backend.testing.p3.Request does not exist"},
      {"Text",
       "field \"Text\" of multi_backend.testing.p3.Request does not exist"},
      {"user",
       "field \"user\" of multi_backend.testing.p3.Request is a message: name "
       "one of its "
       "fields"},
      {"text.id",
       "field \"text\" of multi_backend.testing.p3.Request has no fields"},
      {"real32.x",
       "field \"real32\" of multi_backend.testing.p3.Request has no fields"},
      {"list",
       "field \"list\" of multi_backend.testing.p3.Request is repeated"},
      {"users.id",
       "field \"users\" of multi_backend.testing.p3.Request is repeated"},
      {"user.tags",
       "field \"tags\" of multi_backend.testing.p3.User is repeated"},
      {"table", "field \"table\" of multi_backend.testing.p3.Request is a map"},
      {"table.key",
       "field \"table\" of multi_backend.testing.p3.Request is a map"},
      {"real32",
       "field \"real32\" of multi_backend.testing.p3.Request is a float, which "
       "cannot be "
       "a key"},
      {"real64",
       "field \"real64\" of multi_backend.testing.p3.Request is a double, "
       "which cannot be "
       "a key"},
  };
  for (const PathCase& c : kCases) {
    const auto field = RequestField::Make(Type("p3"), c.path);
    EXPECT_EQ(field.status().code(),
              absl::StrContains(c.message, "does not exist")
                  ? absl::StatusCode::kNotFound
                  : absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(field.status().message(),
              absl::StrCat("request field \"", c.path, "\": ", c.message));
  }
  EXPECT_EQ(RequestField::Make(Type("p2"), "old.id").status().message(),
            "request field \"old.id\": field \"old\" of "
            "multi_backend.testing.p2.Request is a group");
}

// Together these messages contain everything that the walk distinguishes.
const char* const kSamples[][2] = {
    {"p3", "text: 'abc' i32: -5 flag: true color: RED f32: 9 sf64: -3"},
    {"p3", "user { id: 'u' boss { id: 'b' boss { id: 'c' } } phone: 7 }"},
    {"p3", "user { mail: 'm' tags: ['x', 'y'] } list: [1, 2, 300]"},
    {"p3", "right { id: 'r' agent { id: 's' } } table { key: 'k' value: 'v' }"},
    {"p3", "left: 'l' maybe: 0 maybe_text: '' real32: 1.5 real64: 2.5"},
    {"p3", "tint: RED users { id: '1' } users { id: '2' } u64: 99"},
    {"p2", "text: 'abc' needed: 0 color: MINUS Old { id: 'g' } i32: 0"},
    {"p2", "user { id: 'u' agent { id: 'a' } } named: '' flag: false"},
    {"p2", "right { id: 'r' } number: 5 shade: RED"},
};

const std::vector<std::vector<std::string>> kPaths3 = {
    {"text"},        {"raw"},
    {"flag"},        {"color"},
    {"i32"},         {"f32"},
    {"sf64"},        {"u64"},
    {"maybe"},       {"maybe_text"},
    {"left"},        {"tint"},
    {"right", "id"}, {"right", "agent", "id"},
    {"user", "id"},  {"user", "boss", "id"},
    {"user", "mail"}};
const std::vector<std::vector<std::string>> kPaths2 = {
    {"text"},   {"color"},      {"i32"},         {"named"},
    {"number"}, {"flag"},       {"shade"},       {"left"},
    {"tint"},   {"user", "id"}, {"right", "id"}, {"user", "agent", "id"}};

std::string Join(const std::vector<std::string>& path) {
  std::string joined = path[0];
  for (size_t i = 1; i < path.size(); ++i) joined += "." + path[i];
  return joined;
}

class RequestFieldOracleTest : public RequestFieldTest {
 protected:
  // Calls `visit(package, data)` for all samples and for all concatenated pairs
  // of samples.
  void ForEachMessage(const std::function<void(const std::string&,
                                               const std::string&)>& visit) {
    for (const auto& first : kSamples) {
      const std::string data = Serialize(first[0], first[1]);
      visit(first[0], data);
      for (const auto& second : kSamples) {
        if (first[0] == std::string(second[0])) {
          visit(first[0], data + Serialize(second[0], second[1]));
        }
      }
    }
  }

  const std::vector<std::vector<std::string>>& Paths(
      const std::string& package) {
    return package == "p3" ? kPaths3 : kPaths2;
  }
};

TEST_F(RequestFieldOracleTest, EveryPrefixOfAMessageReadsAsTheParsedOne) {
  int checked = 0;
  ForEachMessage([&](const std::string& package, const std::string& data) {
    for (const auto& path : Paths(package)) {
      const RequestField field = Field(package, Join(path));
      for (size_t length = 0; length <= data.size(); ++length) {
        // A copy of exact size, so that asan sees a read beyond the end.
        const std::string cut(data, 0, length);
        ASSERT_EQ(field.Read(cut), Oracle(package, path, cut))
            << Join(path) << " in the first " << length << " bytes";
        ++checked;
      }
    }
  });
  EXPECT_GT(checked, 20'000);
}

TEST_F(RequestFieldOracleTest, WhatStillParsesWithAWrongByteReadsTheSame) {
  // The seed is fixed, so the test is deterministic.  Every byte of every
  // sample is replaced once.  Data that protobuf cannot parse may still give a
  // key, because the walk does not look into messages that are not on the path.
  std::mt19937 random(20240229);
#if GOOGLE_PROTOBUF_VERSION < 4022000
  google::protobuf::LogSilencer no_utf8_errors;
#endif
  int parsed = 0;
  ForEachMessage([&](const std::string& package, const std::string& data) {
    const auto& paths = Paths(package);
    for (size_t i = 0; i < data.size(); ++i) {
      std::string wrong = data;
      wrong[i] = static_cast<char>(random());
      std::unique_ptr<Message> message = Parse(package, "");
      const bool parses = message->ParsePartialFromString(wrong);
      parsed += parses;
      for (const auto& path : paths) {
        const auto read = Field(package, Join(path)).Read(wrong);
        if (!parses) continue;
        ASSERT_EQ(read, Oracle(package, path, wrong))
            << Join(path) << " with byte " << i << " replaced";
      }
    }
  });
  EXPECT_GT(parsed, 500);
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/interceptors/sticky_key.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "multi_backend/interceptors/key_hash.h"
#include "multi_backend/interceptors/request_field.h"

namespace multi_backend {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptorProto;
using google::protobuf::TextFormat;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// These are values of XXH3.  If they change, clients of different releases send
// a key to different backends.
TEST(HashStickyKeyTest, TheHashOfAKeyNeverChanges) {
  EXPECT_EQ(HashStickyKey(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashStickyKey("user-42"), 0x50fe4b21cf7b09cdu);
  EXPECT_EQ(HashStickyKey(absl::string_view("a\0b\n\xc3\xa9", 6)),
            0x72eb80ab3d16a9ecu);
  EXPECT_EQ(HashStickyKey(std::string(100'000, 'k')), 0xfff52c172a91fac1u);
}

TEST(HashStickyKeyTest, EveryByteOfAKeyCounts) {
  const std::string key(100, 'k');
  const uint64_t hash = HashStickyKey(key);
  for (size_t i = 0; i < key.size(); ++i) {
    std::string other = key;
    other[i] = '\0';
    EXPECT_NE(HashStickyKey(other), hash) << i;
    EXPECT_NE(HashStickyKey(key.substr(0, i)), hash) << i;
  }
}

TEST(HashStickyKeyTest, TheTopBitsOfSequentialKeysAreUniform) {
  // The top six bits spread 100,000 fixed keys over 64 buckets, 1,562.5 each
  // with a standard deviation of 39.  A random function would be off by six
  // deviations with a chance of 1e-7.  Keys and function are fixed, so this
  // test cannot fail by chance.
  std::array<int, 64> count = {};
  for (int i = 0; i < 100'000; ++i) {
    ++count[HashStickyKey(absl::StrCat("user-", i)) >> 58];
  }
  EXPECT_GT(*std::min_element(count.begin(), count.end()), 1'562 - 235);
  EXPECT_LT(*std::max_element(count.begin(), count.end()), 1'562 + 235);
}

class StickyRequestFieldsTest : public ::testing::Test {
 protected:
  StickyRequestFieldsTest() {
    FileDescriptorProto file;
    EXPECT_TRUE(TextFormat::ParseFromString(
        R"pb(
          name: "users.proto"
          package: "users"
          syntax: "proto3"
          message_type {
            name: "ById"
            field {
              name: "id"
              number: 1
              type: TYPE_STRING
              label: LABEL_OPTIONAL
            }
          }
          message_type { name: "All" }
          message_type {
            name: "ByIds"
            field {
              name: "id"
              number: 1
              type: TYPE_STRING
              label: LABEL_REPEATED
            }
          }
          message_type { name: "Other" }
          service {
            name: "Users"
            method { name: "Get" input_type: "ById" output_type: "All" }
            method { name: "Delete" input_type: "ById" output_type: "All" }
            method { name: "List" input_type: "All" output_type: "All" }
            method { name: "Count" input_type: "All" output_type: "All" }
            method { name: "Clear" input_type: "Other" output_type: "All" }
            method { name: "Find" input_type: "ByIds" output_type: "All" }
            method { name: "Search" input_type: "ByIds" output_type: "All" }
          }
        )pb",
        &file));
    EXPECT_NE(pool_.BuildFile(file), nullptr);
  }

  StickyRequestFields Make(const std::string& path) {
    return StickyRequestFields(
        path, [this](absl::string_view text) { reports_.emplace_back(text); },
        &pool_);
  }

  DescriptorPool pool_;
  std::vector<std::string> reports_;
};

TEST_F(StickyRequestFieldsTest, TheFieldIsFoundInEachMethodsRequest) {
  const StickyRequestFields fields = Make("id");
  const RequestField* get = fields.Find("/users.Users/Get");
  ASSERT_NE(get, nullptr);
  EXPECT_EQ(get->Read("\x0a\x02u7"), "u7");
  EXPECT_EQ(fields.Find("/users.Users/Get"), get);
  EXPECT_EQ(fields.Find("/users.Users/Delete"), get);
  EXPECT_THAT(reports_, IsEmpty());
}

TEST_F(StickyRequestFieldsTest, TheFirstRequestWithoutTheFieldIsReported) {
  const StickyRequestFields fields = Make("id");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fields.Find("/users.Users/List"), nullptr);
    EXPECT_EQ(fields.Find("/users.Users/Count"), nullptr);
    EXPECT_EQ(fields.Find("/users.Users/Clear"), nullptr);
  }
  EXPECT_THAT(reports_,
              ElementsAre("sticky key: calls with users.All (and other "
                          "requests without the field) have no key: request "
                          "field \"id\": field \"id\" of users.All does not "
                          "exist"));
}

TEST_F(StickyRequestFieldsTest, EachRequestWhoseFieldIsNoKeyIsReportedOnce) {
  const StickyRequestFields fields = Make("id");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fields.Find("/users.Users/Find"), nullptr);
    EXPECT_EQ(fields.Find("/users.Users/Search"), nullptr);
  }
  EXPECT_THAT(
      reports_,
      ElementsAre("sticky key: calls with users.ByIds have no key: request "
                  "field \"id\": field \"id\" of users.ByIds is repeated"));
}

TEST_F(StickyRequestFieldsTest, TheFirstUnknownMethodIsReported) {
  const StickyRequestFields fields = Make("id");
  for (const char* method : {"/users.Users/Nope", "/other.Service/Get", "", "/",
                             "Get", "//", "/users.Users", "users.Users.Get"}) {
    EXPECT_EQ(fields.Find(method), nullptr) << method;
  }
  EXPECT_THAT(reports_,
              ElementsAre("sticky key: this process has no descriptor of "
                          "/users.Users/Nope, so calls of it (and of other "
                          "unknown methods) have no key from their requests"));
}

TEST_F(StickyRequestFieldsTest, MadeUpMethodsDoNotDisplaceRealOnes) {
  const StickyRequestFields fields = Make("id");
  for (size_t i = 0; i < 2 * MethodCache<int>::kMaxEntries; ++i) {
    ASSERT_EQ(fields.Find(absl::StrCat("/made.Up/", i)), nullptr);
  }
  EXPECT_NE(fields.Find("/users.Users/Get"), nullptr);
  EXPECT_EQ(reports_.size(), 1u);
}

TEST_F(StickyRequestFieldsTest, TheProcessesOwnDescriptorsAreTheDefault) {
  // No service is linked into this test, so no method is found.
  const StickyRequestFields fields("id", nullptr);
  EXPECT_EQ(fields.Find("/users.Users/Get"), nullptr);
}

}  // namespace
}  // namespace multi_backend

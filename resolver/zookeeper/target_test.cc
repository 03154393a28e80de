#include "multi_backend/resolver/zookeeper/target.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ZookeeperTargetTest, ReadsServersAndPath) {
  struct Row {
    std::string authority;
    std::string path;
    std::string text;
    std::string service;
  };
  for (const Row& row : std::vector<Row>{
           {"h1:2181,h2:2182", "/services/users",
            "zookeeper://h1:2181,h2:2182/services/users", "users"},
           {"h1", "/users", "zookeeper://h1:2181/users", "users"},
           {"10.0.0.1,[::1],[::2]:7", "/a/b/c.d_e-f",
            "zookeeper://10.0.0.1:2181,[::1]:2181,[::2]:7/a/b/c.d_e-f",
            "c.d_e-f"},
       }) {
    const auto target = ZookeeperTarget::Parse(row.authority, row.path);
    ASSERT_TRUE(target.ok()) << target.status();
    EXPECT_EQ(target->ToString(), row.text);
    EXPECT_EQ(target->service(), row.service);
  }
}

TEST(ZookeeperTargetTest, SaysWhatIsWrong) {
  struct Row {
    std::string authority;
    std::string path;
    std::string message;
  };
  const std::string write_server = "\": write host:port, several with commas";
  const std::string write_path = "\": write zookeeper://host:port/path/of/node";
  for (const Row& row : std::vector<Row>{
           {"", "/a", "server \"" + write_server},
           {"h1,", "/a", "server \"" + write_server},
           {"h1:0", "/a", "server \"h1:0" + write_server},
           {"h1/x", "/a", "server \"h1/x" + write_server},
           {"h 1", "/a", "server \"h 1" + write_server},
           {"h1", "", "path \"" + write_path},
           {"h1", "/", "path \"/" + write_path},
           {"h1", "users", "path \"users" + write_path},
           {"h1", "/users/", "path \"/users/" + write_path},
           {"h1", "/a//b", "path \"/a//b" + write_path},
           {"h1", "/a/../b", "path \"/a/../b" + write_path},
           {"h1", "/a/./b", "path \"/a/./b" + write_path},
           {"h1", "/a\n", "path \"/a\\n" + write_path},
           {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
            "a",
            "/a", "33 servers, at most 32"},
       }) {
    EXPECT_EQ(ZookeeperTarget::Parse(row.authority, row.path).status(),
              absl::InvalidArgumentError("zookeeper target: " + row.message));
  }
}

// A message ends up in logs and in the status of calls.
TEST(ZookeeperTargetTest, MessagesQuoteNoMoreThanAPart) {
  const std::string wrong(4000, '\xff');
  for (const absl::Status& status :
       {ZookeeperTarget::Parse(wrong, "/a").status(),
        ZookeeperTarget::Parse("h1", "/" + wrong).status(),
        CheckZookeeperName(wrong)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_LT(status.message().size(), 1500u);
  }
}

TEST(ZookeeperTargetTest, CredentialsInATargetAreRefusedAndNotShown) {
  for (const char* authority :
       {"user:secret@h1", "h1,user:secret@h2:2181", "user:secret%40h1"}) {
    const absl::Status status =
        ZookeeperTarget::Parse(authority, "/a").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("credentials"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

class ZookeeperCredentialsTest : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    unsetenv("MULTI_BACKEND_ZOOKEEPER_AUTH_FILE");
    unsetenv("MULTI_BACKEND_ZOOKEEPER_AUTH");
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(ZookeeperCredentialsTest, OptionThenFileThenVariable) {
  EXPECT_EQ(*ReadZookeeperCredentials(""), "");
  setenv("MULTI_BACKEND_ZOOKEEPER_AUTH", "a:1", 1);
  EXPECT_EQ(*ReadZookeeperCredentials(""), "a:1");
  setenv("MULTI_BACKEND_ZOOKEEPER_AUTH_FILE", File("b", "b:2\n").c_str(), 1);
  EXPECT_EQ(*ReadZookeeperCredentials(""), "b:2");
  EXPECT_EQ(*ReadZookeeperCredentials(File("c", " c:3:4 ")), "c:3:4");
}

TEST_F(ZookeeperCredentialsTest, BadOnesAreNotShown) {
  for (const char* text :
       {"", "\n", "secret", ":secret", "u:secret\nu:secret"}) {
    const std::string path = File("bad", text);
    const absl::Status status = ReadZookeeperCredentials(path).status();
    EXPECT_EQ(status, absl::InvalidArgumentError(absl::StrCat(
                          "ZooKeeper credentials of ", path,
                          ": must be one line with user:password")));
  }
  setenv("MULTI_BACKEND_ZOOKEEPER_AUTH", "secret", 1);
  EXPECT_EQ(ReadZookeeperCredentials("").status(),
            absl::InvalidArgumentError(
                "ZooKeeper credentials of MULTI_BACKEND_ZOOKEEPER_AUTH: must "
                "be one line with user:password"));
  const auto missing = ReadZookeeperCredentials("/nowhere/auth");
  EXPECT_TRUE(absl::IsNotFound(missing.status())) << missing.status();
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("ZooKeeper credentials of /nowhere/auth: "));
}

}  // namespace
}  // namespace multi_backend

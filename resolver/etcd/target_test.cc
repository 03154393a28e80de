#include "multi_backend/resolver/etcd/target.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EtcdTargetTest, ServersAndPrefix) {
  const struct {
    const char* authority;
    const char* path;
    const char* text;
  } rows[] = {
      {"h1:2379", "/services/users/", "etcd://h1:2379/services/users/"},
      {"h1:2379,h2:2380", "/services/users",
       "etcd://h1:2379,h2:2380/services/users/"},
      {"h1,[::1],[::1]:1", "/u", "etcd://h1:2379,[::1]:2379,[::1]:1/u/"},
  };
  for (const auto& row : rows) {
    const auto target = ParseEtcdTarget(row.authority, row.path);
    ASSERT_TRUE(target.ok()) << row.text << ": " << target.status();
    EXPECT_EQ(target->ToString(), row.text);
    EXPECT_EQ(absl::StrCat("etcd://", row.authority).substr(0, 9),
              target->ToString().substr(0, 9));
  }
  EXPECT_EQ(ParseEtcdTarget("h:1", "/services/users")->prefix,
            "/services/users/");
}

TEST(EtcdTargetTest, WhatCannotBeReadSaysWhy) {
  const struct {
    std::string authority;
    std::string path;
    const char* error;
  } rows[] = {
      {"", "/users/", "no server"},
      {"h1:2379,", "/users/", "server 2: "},
      {"h1:0", "/users/", "server 1: "},
      {"h1:1,H1:1", "/users/", "endpoint 2"},
      {"h1:2379", "", "no prefix"},
      {"h1:2379", "//", "no prefix"},
      {"h1:2379", "/" + std::string(2000, 'x'), "more than 1024 bytes"},
      {absl::StrCat("h", std::string(40, ',')), "/u/", "server 2: "},
  };
  for (const auto& row : rows) {
    const auto target = ParseEtcdTarget(row.authority, row.path);
    ASSERT_FALSE(target.ok()) << row.error;
    EXPECT_EQ(target.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(target.status().message(), HasSubstr(row.error));
  }
}

TEST(EtcdTargetTest, CredentialsAreRefusedAndNotShown) {
  for (const char* authority :
       {"user:secret@h1:2379", "h1:2379,user:secret@h2:2379", "secret@h"}) {
    const auto target = ParseEtcdTarget(authority, "/users/");
    ASSERT_FALSE(target.ok());
    EXPECT_THAT(target.status().message(), Not(HasSubstr("secret")));
    EXPECT_THAT(target.status().message(),
                HasSubstr("MULTI_BACKEND_ETCD_AUTH_FILE"));
  }
}

TEST(EtcdTargetTest, TheEndOfAPrefixIsTheFirstKeyThatLacksIt) {
  EXPECT_EQ(EndOfPrefix("/users/"), "/users0");
  EXPECT_EQ(EndOfPrefix("a\xff"), "b");
  EXPECT_EQ(EndOfPrefix("\xff\xff"), std::string(1, '\0'));
}

}  // namespace
}  // namespace multi_backend

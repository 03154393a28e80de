#include "multi_backend/registrar.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The test does not call Register(), because a server that is not a client need
// not call it.
TEST(MakeRegistrarTest, WhatCannotWorkIsRefusedAtOnce) {
  const Endpoint good = Endpoint::Of("10.0.0.1", 1);
  Endpoint bad_label = good;
  bad_label.labels["x"] = "\xff";
  RegistrarOptions bad_id;
  bad_id.id = "a/b";
  const struct {
    const char* target;
    Endpoint endpoint;
    RegistrarOptions options;
    const char* error;
  } rows[] = {
      {"consul://h/users", good, {}, "write zookeeper://"},
      {"no uri", good, {}, "write zookeeper://"},
      {"file:///users", good, {}, "scheme \"file\" has no registrar"},
      {"dns+srv:///_a._tcp.b", good, {}, "\"dns+srv\" has no registrar"},
      {"etcd:///users/", good, {}, "no server"},
      {"etcd://h:1", good, {}, "no prefix"},
      {"etcd://me:secret@h:1/users/", good, {}, "have no place in it"},
      {"zookeeper://me:secret@h:1/users", good, {}, "credentials"},
      {"etcd://h:1/users/", Endpoint::Of("0.0.0.0", 1), {}, "unspecified"},
      {"etcd://h:1/users/", Endpoint::Of("", 1), {}, "endpoint"},
      {"etcd://h:1/users/", bad_label, {}, "UTF-8"},
      {"etcd://h:1/users/", good, bad_id, "id \"a/b\""},
  };
  for (const auto& row : rows) {
    const auto registrar = MakeRegistrar(row.target, row.endpoint, row.options);
    ASSERT_FALSE(registrar.ok()) << row.target;
    EXPECT_EQ(registrar.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(registrar.status().message(), HasSubstr(row.error));
    EXPECT_THAT(registrar.status().message(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/resolver/source/store_authority.h"

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(AuthorityOfStorePathTest, IsTheLastPartWhereThatIsAHostName) {
  EXPECT_EQ(AuthorityOfStorePath("/services/users/"), "users");
  EXPECT_EQ(AuthorityOfStorePath("/services/users.example"), "users.example");
  EXPECT_EQ(AuthorityOfStorePath("/users"), "users");
  EXPECT_EQ(AuthorityOfStorePath("/services/a b/"), "localhost");
  EXPECT_EQ(AuthorityOfStorePath("/services/\xff"), "localhost");
  EXPECT_EQ(AuthorityOfStorePath("/"), "localhost");
  EXPECT_EQ(AuthorityOfStorePath(""), "localhost");
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/proto/config/role_name.h"

#include <string>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(RoleNameTest, TakesOneTo64OfItsAlphabet) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool valid = (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '_' ||
                       byte == '.' || byte == '-';
    EXPECT_EQ(IsValidRoleName(std::string(1, static_cast<char>(byte))), valid)
        << byte;
  }
  EXPECT_FALSE(IsValidRoleName(""));
  EXPECT_TRUE(IsValidRoleName(std::string(64, 'a')));
  EXPECT_FALSE(IsValidRoleName(std::string(65, 'a')));
}

TEST(RoleNameTest, ReservesTheWordsOfWhenUnavailable) {
  EXPECT_TRUE(IsReservedRole("FAIL"));
  EXPECT_TRUE(IsReservedRole("ANY"));
  EXPECT_FALSE(IsReservedRole("any"));
  EXPECT_FALSE(IsReservedRole("replica"));
  EXPECT_FALSE(IsReservedRole(""));
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/proto/json/nearest_name.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(NearestNameTest, FindsWhatWasMeant) {
  const std::vector<absl::string_view> names = {"strategy", "sticky", "members",
                                                "maxRetries", "maxEjected"};
  const struct {
    const char* unknown;
    const char* nearest;
  } rows[] = {
      {"Strategy", "strategy"},        // Another case.
      {"max_retries", "maxRetries"},   // The spelling of the .proto file.
      {"strtegy", "strategy"},         // A letter is missing.
      {"strattegy", "strategy"},       // A letter too many.
      {"stratagy", "strategy"},        // A wrong letter.
      {"srtategy", "strategy"},        // Two letters swapped.
      {"maxRetry", "maxRetries"},      // Another ending.
      {"member", "members"},           //
      {"stra", "strategy"},            // The beginning.
      {"strategyOfRoot", "strategy"},  // It goes on.
      {"timeout", ""},                 // Nothing is near.
      {"x", ""},                       // Too short for a guess.
      {"st", ""},                      //
      {"", ""},                        //
      {"\xff\xfe\xfd", ""},            //
  };
  for (const auto& row : rows) {
    EXPECT_EQ(NearestName(row.unknown, names), row.nearest) << row.unknown;
  }
}

TEST(NearestNameTest, TheFirstOfEquallyNearNamesWins) {
  EXPECT_EQ(NearestName("limis", {"limit", "limi"}), "limit");
  EXPECT_EQ(NearestName("limis", {"limi", "limit"}), "limi");
}

TEST(NearestNameTest, LongNamesAreNearToNone) {
  const std::string longest(81, 'a');
  EXPECT_EQ(NearestName(longest, {longest}), "");
  EXPECT_EQ(NearestName("aaa", {longest}), "");
}

TEST(NearestNameTest, WithoutNamesNothingIsNear) {
  EXPECT_EQ(NearestName("strategy", {}), "");
}

}  // namespace
}  // namespace multi_backend

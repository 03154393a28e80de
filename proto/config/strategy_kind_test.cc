#include "multi_backend/proto/config/strategy_kind.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(StrategyKindTest, EveryStrategyHasItsConfigurationName) {
  const std::vector<std::pair<StrategyKind, std::string>> names = {
      {StrategyKind::kRoundRobin, "ROUND_ROBIN"},
      {StrategyKind::kWeighted, "WEIGHTED"},
      {StrategyKind::kLeastBusy, "LEAST_BUSY"},
      {StrategyKind::kPeakEwma, "PEAK_EWMA"},
      {StrategyKind::kSticky, "STICKY"},
      {StrategyKind::kPrimary, "PRIMARY"},
      {StrategyKind::kRandom, "RANDOM"}};
  for (const auto& [kind, name] : names) {
    EXPECT_EQ(StrategyName(kind), name);
    EXPECT_EQ(StrategyNamed(name), kind);
  }
}

TEST(StrategyKindTest, ARowIsFoundByItsKindAndByItsName) {
  for (const StrategyRow& row : kStrategies) {
    EXPECT_EQ(&RowOf(row.kind), &row) << row.name;
    EXPECT_EQ(StrategyNamed(row.name), row.kind) << row.name;
  }
}

TEST(StrategyKindTest, ANameMustBeWhole) {
  for (const char* name : {"", "STICK", "STICKY ", "sticky", "kSticky"}) {
    EXPECT_EQ(StrategyNamed(name), absl::nullopt) << name;
  }
}

TEST(StrategyKindTest, TheNamesAreListedInTheOrderOfTheTable) {
  std::string names;
  for (const StrategyRow& row : kStrategies) {
    if (!names.empty()) names += ", ";
    names += std::string(row.name);
  }
  EXPECT_EQ(StrategyNames(), names);
  EXPECT_EQ(names.find("ROUND_ROBIN, "), 0u);
}

TEST(StrategyKindTest, OptionsNameTheirStrategies) {
  EXPECT_EQ(StrategiesWithOptions("sticky"), "STICKY");
  EXPECT_EQ(StrategiesWithOptions("primary"), "PRIMARY");
  EXPECT_EQ(StrategiesWithOptions("peakEwma"), "PEAK_EWMA");
}

}  // namespace
}  // namespace multi_backend

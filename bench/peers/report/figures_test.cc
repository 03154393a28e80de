#include "multi_backend/bench/peers/report/figures.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(FiguresTest, ALineGivesTheFiguresBack) {
  const Figures figures = {{"calls", 12}, {"cpu_us", 340.5}, {"share.b0", 0}};
  EXPECT_EQ(FiguresToLine(figures), "calls=12 cpu_us=340.5 share.b0=0");
  EXPECT_EQ(*FiguresFromLine(FiguresToLine(figures)), figures);
  EXPECT_TRUE(FiguresFromLine("")->empty());
}

TEST(FiguresTest, AnotherLineIsAnErrorThatShowsIt) {
  for (const char* line : {"calls", "calls=", "calls=a", "calls=1 and more"}) {
    EXPECT_THAT(FiguresFromLine(line).status().message(),
                testing::HasSubstr(line));
  }
}

}  // namespace
}  // namespace multi_backend

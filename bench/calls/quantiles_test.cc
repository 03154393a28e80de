#include "multi_backend/bench/calls/quantiles.h"

#include <vector>

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(MedianTest, IsTheMiddleOrTheMeanOfBothMiddles) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({5, 1, 3}), 3);
  EXPECT_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Median({}), 0);
}

TEST(QuantileTest, IsTheValueAtThatRank) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  EXPECT_EQ(Quantile(values, 0), 0);
  EXPECT_EQ(Quantile(values, 0.5), 50);
  EXPECT_EQ(Quantile(values, 0.99), 99);
  EXPECT_EQ(Quantile(values, 1), 100);
  EXPECT_EQ(Quantile({}, 0.99), 0);
}

}  // namespace
}  // namespace multi_backend

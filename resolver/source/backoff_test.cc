#include "multi_backend/resolver/source/backoff.h"

#include "gtest/gtest.h"

namespace multi_backend {
namespace {

TEST(BackoffTest, DoublesFromTheFirstToTheLast) {
  Backoff backoff;
  for (int seconds : {1, 2, 4, 8, 16, 32, 32, 32}) {
    EXPECT_EQ(backoff.Next(0.5), absl::Seconds(seconds));
  }
  backoff.Reset();
  EXPECT_EQ(backoff.Next(0.5), absl::Seconds(1));
}

TEST(BackoffTest, JitterGoesBothWays) {
  EXPECT_EQ(Backoff().Next(0), absl::Milliseconds(800));
  EXPECT_EQ(Backoff().Next(1), absl::Milliseconds(1200));
}

TEST(BackoffTest, AMaximumBelowTheFirstIsTheFirst) {
  Backoff backoff({absl::Seconds(5), absl::Seconds(3), 0});
  EXPECT_EQ(backoff.Next(0.9), absl::Seconds(3));
  EXPECT_EQ(backoff.Next(0.1), absl::Seconds(3));
}

}  // namespace
}  // namespace multi_backend

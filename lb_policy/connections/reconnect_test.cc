#include "multi_backend/lb_policy/connections/reconnect.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr double kMiddle = 0.5;  // No jitter.

// Plays connections that end after `life` nanoseconds.
class ReconnectPaceTest : public ::testing::Test {
 protected:
  absl::Duration End(bool answered = false, int64_t life = 0,
                     double uniform = kMiddle) {
    pace_.OnReady(now_);
    now_ += life;
    return pace_.OnEnd(now_, answered, uniform);
  }

  ReconnectPace pace_;
  int64_t now_ = 5 * kSecond;
};

TEST_F(ReconnectPaceTest, TheFirstTwoFruitlessConnectionsAreMadeAgainAtOnce) {
  EXPECT_EQ(End(), absl::ZeroDuration());
  EXPECT_EQ(End(), absl::ZeroDuration());
  EXPECT_EQ(End(), absl::Seconds(1));
  EXPECT_EQ(pace_.fruitless(), 3);
}

TEST_F(ReconnectPaceTest, TheWaitsGrowAsInCoreUpToTheMaximum) {
  End();
  End();
  for (const double seconds : {1.0, 1.6, 2.56, 4.096}) {
    EXPECT_NEAR(absl::ToDoubleSeconds(End()), seconds, 1e-6);
  }
  for (int i = 0; i < 500; ++i) End();
  EXPECT_EQ(End(), absl::Seconds(120));
}

TEST_F(ReconnectPaceTest, JitterIsAFifthBothWays) {
  End();
  End();
  EXPECT_NEAR(absl::ToDoubleSeconds(End(false, 0, 0.0)), 0.8, 1e-6);
  EXPECT_NEAR(absl::ToDoubleSeconds(End(false, 0, 1.0)), 1.6 * 1.2, 1e-6);
}

TEST_F(ReconnectPaceTest, AnAnswerEndsTheRow) {
  for (int i = 0; i < 5; ++i) End();
  EXPECT_EQ(End(/*answered=*/true), absl::ZeroDuration());
  EXPECT_EQ(pace_.fruitless(), 0);
  EXPECT_EQ(End(), absl::ZeroDuration());
  EXPECT_EQ(End(), absl::ZeroDuration());
  EXPECT_EQ(End(), absl::Seconds(1));
}

// A server that closes idle connections is not at fault.
TEST_F(ReconnectPaceTest, AConnectionThatLivesASecondEndsTheRow) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(End(false, kSecond), absl::ZeroDuration());
  }
  for (int i = 0; i < 5; ++i) End(false, kSecond - 1);
  EXPECT_EQ(pace_.fruitless(), 5);
  EXPECT_EQ(End(false, kSecond), absl::ZeroDuration());
  EXPECT_EQ(pace_.fruitless(), 0);
}

TEST(ReconnectPaceBackoffTest, IsConfigurable) {
  ReconnectPace pace({absl::Milliseconds(100), absl::Milliseconds(150)});
  for (const int64_t millis : {0, 0, 100, 150, 150}) {
    pace.OnReady(0);
    EXPECT_EQ(pace.OnEnd(0, false, kMiddle), absl::Milliseconds(millis));
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/lb_policy/waiting/return_pace.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {
namespace {

constexpr int64_t kMilli = 1'000'000;
constexpr int64_t kSecond = 1000 * kMilli;
constexpr size_t kAll = std::numeric_limits<size_t>::max();

TEST(ReturnPaceTest, WithoutAReturnEveryoneMayGo) {
  ReturnPace pace;
  EXPECT_FALSE(pace.active());
  EXPECT_EQ(pace.Room(0, 5000), kAll);
  EXPECT_FALSE(pace.exhausted());
  EXPECT_EQ(pace.next_tick(), INT64_MAX);
}

TEST(ReturnPaceTest, GoesEvenlyUpToItsEnd) {
  ReturnPace pace;
  size_t waiting = 4000;
  pace.Begin(0, 10 * kSecond);
  for (int64_t now = 0; now < kSecond; now += 10 * kMilli) {
    const size_t room = pace.Room(now, waiting);
    EXPECT_GE(room, ReturnPace::kLeastInATick);
    EXPECT_LE(room, 45u) << "at " << now / kMilli << " ms";
    pace.Use(room);
    EXPECT_TRUE(pace.exhausted());
    waiting -= room;
    EXPECT_NEAR(static_cast<double>(waiting),
                4000 * (1 - static_cast<double>(now) / kSecond), 70);
  }
  EXPECT_EQ(pace.Room(kSecond, waiting), kAll);
  EXPECT_FALSE(pace.active());
}

TEST(ReturnPaceTest, AFewNeedNotBeSpread) {
  ReturnPace pace;
  pace.Begin(0, 10 * kSecond);
  EXPECT_EQ(pace.Room(0, 20), ReturnPace::kLeastInATick);
  EXPECT_EQ(pace.Room(ReturnPace::kTick - 1, 20), ReturnPace::kLeastInATick);
  pace.Use(ReturnPace::kLeastInATick - 1);
  EXPECT_EQ(pace.Room(ReturnPace::kTick - 1, 5), 1u);
  EXPECT_FALSE(pace.exhausted());
  pace.Use(1);
  EXPECT_TRUE(pace.exhausted());
  EXPECT_EQ(pace.Room(ReturnPace::kTick, 4), ReturnPace::kLeastInATick);
}

TEST(ReturnPaceTest, TakesATenthOfTheTimeoutAtMost) {
  ReturnPace pace;
  pace.Begin(7, kSecond);
  pace.Room(50 * kMilli, 1000);
  EXPECT_EQ(pace.Room(7 + kSecond / 10 - 1, 1000), 1000 * 50 / 50 - 1u);
  EXPECT_EQ(pace.next_tick(), 7 + kSecond / 10);
  EXPECT_EQ(pace.Room(7 + kSecond / 10, 1000), kAll);
}

// All members of the backlog went down at 0, when its calls began to wait.
class ReturnTest : public ::testing::Test {
 protected:
  static BacklogConfig Config() {
    BacklogConfig config;
    config.limit = 10000;
    config.timeout = absl::Seconds(20);
    config.overload_timeout = absl::Seconds(10);
    return config;
  }
  ReturnTest() : backlog_(Config()) {
    backlog_.SetMembers(false, /*all_down=*/true, 0, /*any_missing=*/true);
  }

  void Wait(size_t calls) {
    for (size_t i = 0; i < calls; ++i) {
      waiting_.push_back(backlog_.NextNumber());
      ASSERT_EQ(backlog_.Join(waiting_.back(), 0), Backlog::Turn::kWait);
    }
  }
  // Runs passes as core does, the newest call first, until no call asks for
  // another pass.  Returns how many calls went.
  size_t Release(int64_t now) {
    const size_t before = waiting_.size();
    for (bool again = true; again;) {
      again = false;
      backlog_.BeginPass(now);
      std::vector<uint64_t> remaining;
      for (size_t i = waiting_.size(); i > 0; --i) {
        const uint64_t number = waiting_[i - 1];
        if (backlog_.Ask(number, true, now) == Backlog::Turn::kGo) {
          went_.push_back(number);
          again |= backlog_.Leave(number, /*sent=*/true);
        } else {
          remaining.insert(remaining.begin(), number);
        }
      }
      waiting_ = remaining;
    }
    return before - waiting_.size();
  }

  Backlog backlog_;
  std::vector<uint64_t> waiting_;
  std::vector<uint64_t> went_;
};

TEST_F(ReturnTest, WhenNoBackendIsMissingACrowdIsSpreadAndAFewAreNot) {
  Wait(ReturnPace::kLeastInATick);
  backlog_.SetMembers(true, false, kSecond, /*any_missing=*/false);
  EXPECT_EQ(Release(kSecond), ReturnPace::kLeastInATick);

  backlog_.SetMembers(false, /*all_down=*/true, kSecond, /*any_missing=*/true);
  Wait(500);
  backlog_.SetMembers(true, false, kSecond, /*any_missing=*/false);
  EXPECT_EQ(Release(kSecond), ReturnPace::kLeastInATick);
  const size_t half = Release(kSecond + 50 * kMilli);
  EXPECT_NEAR(static_cast<double>(half), 250, 10);
  EXPECT_EQ(Release(kSecond + 500 * ReturnPace::kPerCall),
            500 - ReturnPace::kLeastInATick - half);
}

TEST_F(ReturnTest, TheFirstOneBackGetsThemOneAfterTheOther) {
  Wait(500);
  backlog_.SetMembers(true, false, kSecond, /*any_missing=*/true);
  EXPECT_EQ(Release(kSecond), ReturnPace::kLeastInATick);
  EXPECT_EQ(Release(kSecond + 1), 0u) << "not before the next tick";
  EXPECT_EQ(backlog_.next_deadline(), kSecond + ReturnPace::kTick);
  EXPECT_EQ(Release(kSecond + ReturnPace::kTick), ReturnPace::kLeastInATick);
  const uint64_t newcomer = backlog_.NextNumber();
  EXPECT_EQ(backlog_.Ask(newcomer, false, kSecond + ReturnPace::kTick),
            Backlog::Turn::kWait);
  backlog_.Leave(newcomer);
  // The last backend is usable now.
  const int64_t complete = kSecond + 2 * ReturnPace::kTick;
  backlog_.SetMembers(true, false, complete, /*any_missing=*/false);
  size_t gone = Release(complete);
  EXPECT_GT(gone, ReturnPace::kLeastInATick) << "faster than before";
  gone += Release(complete + 500 * ReturnPace::kPerCall);
  EXPECT_EQ(gone, 500 - 2 * ReturnPace::kLeastInATick);
  for (size_t i = 0; i < went_.size(); ++i) EXPECT_EQ(went_[i], i + 1);
}

TEST_F(ReturnTest, WhoRemainsGoesWhenTheTimeIsOver) {
  Wait(3000);
  backlog_.SetMembers(true, false, 0, /*any_missing=*/true);
  size_t gone = 0;
  for (int64_t now = 0; now < kSecond / 2; now += ReturnPace::kTick) {
    gone += Release(now);
  }
  EXPECT_NEAR(static_cast<double>(gone), 1500, 100);
  EXPECT_EQ(Release(kSecond), 3000 - gone);
  EXPECT_EQ(backlog_.next_deadline(), INT64_MAX);
}

TEST_F(ReturnTest, ACallThatWaitsLaterIsNotHeldUp) {
  Wait(ReturnPace::kLeastInATick + 3);
  backlog_.SetMembers(true, false, 0, /*any_missing=*/true);
  EXPECT_EQ(Release(0), ReturnPace::kLeastInATick);
  EXPECT_EQ(Release(ReturnPace::kTick), 3u);
  Wait(100);
  EXPECT_EQ(Release(ReturnPace::kTick), 100u)
      << "the pace ended with those of the outage";
}

TEST_F(ReturnTest, OneThatGoesDownAgainEndsIt) {
  Wait(100);
  backlog_.SetMembers(true, false, 0, /*any_missing=*/true);
  backlog_.SetMembers(false, true, 1, /*any_missing=*/true);
  EXPECT_EQ(backlog_.next_deadline(), 1 + 10 * kSecond);
  backlog_.SetMembers(true, false, 2, /*any_missing=*/true);
  EXPECT_EQ(backlog_.next_deadline(), 2 + ReturnPace::kTick);
}

}  // namespace
}  // namespace multi_backend

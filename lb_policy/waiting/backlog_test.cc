#include "multi_backend/lb_policy/waiting/backlog.h"

#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/tests/testing/backlog_oracle.h"

namespace multi_backend {
namespace {

using testing::BacklogOracle;
using State = Backlog::State;
using Turn = Backlog::Turn;

constexpr int64_t kSecond = 1'000'000'000;

BacklogConfig Config(int limit, absl::Duration timeout,
                     absl::Duration overload_timeout) {
  BacklogConfig config;
  config.limit = limit;
  config.timeout = timeout;
  config.overload_timeout = overload_timeout;
  return config;
}

BacklogConfig Default() {
  return Config(1000, absl::Seconds(5), absl::Seconds(1));
}

// Adds `n` calls with numbers 1 to n, which begin to wait at 0.
void Fill(Backlog& backlog, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    ASSERT_EQ(backlog.Join(backlog.NextNumber(), 0), Turn::kWait);
  }
}

TEST(BacklogTest, WhileNoCallWaitsEveryCallGoes) {
  Backlog backlog(Default());
  EXPECT_FALSE(backlog.any_waiting());
  const uint64_t first = backlog.NextNumber();
  EXPECT_NE(first, 0u);
  EXPECT_EQ(backlog.Ask(first, false, 0), Turn::kGo);
  EXPECT_EQ(backlog.Ask(backlog.NextNumber(), false, 0), Turn::kGo);
  EXPECT_FALSE(backlog.any_waiting());
  EXPECT_FALSE(backlog.Leave(first)) << "it never waited";
  EXPECT_EQ(backlog.next_deadline(), INT64_MAX);
}

TEST(BacklogTest, ANewcomerNeverOvertakes) {
  Backlog backlog(Default());
  backlog.SetMembers(true, false, 0);
  const uint64_t first = backlog.NextNumber();
  const uint64_t second = backlog.NextNumber();
  EXPECT_EQ(backlog.Join(first, 0), Turn::kWait);
  EXPECT_TRUE(backlog.any_waiting());
  EXPECT_EQ(backlog.Ask(second, false, 1), Turn::kWait);
  EXPECT_EQ(backlog.waiting(), 2u) << "it has joined";
  EXPECT_EQ(backlog.BeginPass(2), 2u);
  EXPECT_EQ(backlog.Ask(second, true, 2), Turn::kWait);
  EXPECT_EQ(backlog.Ask(first, true, 2), Turn::kGo);
  EXPECT_EQ(backlog.Ask(second, true, 2), Turn::kWait) << "the first bounced";
  EXPECT_TRUE(backlog.Leave(first));
  EXPECT_EQ(backlog.BeginPass(3), 1u);
  EXPECT_EQ(backlog.Ask(second, true, 3), Turn::kGo);
  EXPECT_FALSE(backlog.Leave(second)) << "nobody else waits";
  EXPECT_FALSE(backlog.any_waiting());
}

TEST(BacklogTest, ABouncedCallKeepsItsPlaceAndItsExpiry) {
  Backlog backlog(Default());
  Fill(backlog, 2);
  backlog.BeginPass(kSecond);
  EXPECT_EQ(backlog.Ask(1, true, kSecond), Turn::kGo);
  EXPECT_EQ(backlog.Join(1, kSecond), Turn::kWait);
  EXPECT_EQ(backlog.waiting(), 2u);
  EXPECT_EQ(backlog.next_deadline(), 5 * kSecond);
  EXPECT_EQ(backlog.Ask(2, true, 2 * kSecond), Turn::kWait);
  EXPECT_EQ(backlog.Ask(1, true, 2 * kSecond), Turn::kGo);
  EXPECT_EQ(backlog.Ask(1, true, 5 * kSecond), Turn::kExpired);
}

TEST(BacklogTest, AnOlderCallThatBouncesGoesBeforeThoseWhoWait) {
  Backlog backlog(Default());
  backlog.SetMembers(true, false, 0);
  const uint64_t old = backlog.NextNumber();
  EXPECT_EQ(backlog.Ask(old, false, 0), Turn::kGo);
  const uint64_t young = backlog.NextNumber();
  EXPECT_EQ(backlog.Join(young, 1), Turn::kWait);
  backlog.BeginPass(1);
  EXPECT_EQ(backlog.Join(old, 2), Turn::kWait);
  EXPECT_EQ(backlog.Ask(young, true, 2), Turn::kWait);
  EXPECT_EQ(backlog.Ask(old, true, 2), Turn::kGo);
  EXPECT_EQ(backlog.next_deadline(), 5 * kSecond + 1);
}

TEST(BacklogTest, OnlyWhoHadTheTurnPassesItOn) {
  Backlog backlog(Default());
  backlog.SetMembers(true, false, 0);
  Fill(backlog, 4);
  EXPECT_FALSE(backlog.Leave(3)) << "cancelled, not its turn";
  EXPECT_TRUE(backlog.Leave(1)) << "cancelled, its turn, before any pass";
  backlog.BeginPass(1);
  EXPECT_FALSE(backlog.Leave(1)) << "has left already";
  EXPECT_TRUE(backlog.Leave(2));
  backlog.SetMembers(false, false, 2);
  Fill(backlog, 1);
  EXPECT_FALSE(backlog.Leave(4)) << "nobody may go: no member is usable";
  EXPECT_EQ(backlog.waiting(), 1u);
}

TEST(BacklogTest, OneMoreThanTheLimitIsRefused) {
  Backlog backlog(Default());
  Fill(backlog, 1000);
  EXPECT_EQ(backlog.Ask(1001, false, 0), Turn::kFull);
  EXPECT_EQ(backlog.Join(1001, 0), Turn::kFull);
  EXPECT_EQ(backlog.Join(7, 0), Turn::kWait) << "waits already";
  EXPECT_FALSE(backlog.Leave(500));
  EXPECT_EQ(backlog.Join(1001, 0), Turn::kWait);
  EXPECT_EQ(backlog.Join(1002, 0), Turn::kFull);
}

TEST(BacklogTest, ALowerLimitSendsNoCallAway) {
  Backlog backlog(Default());
  Fill(backlog, 10);
  backlog.SetConfig(Config(5, absl::Seconds(1), absl::Seconds(1)));
  EXPECT_EQ(backlog.waiting(), 10u);
  EXPECT_EQ(backlog.Ask(10, true, 0), Turn::kWait);
  EXPECT_EQ(backlog.Join(11, 0), Turn::kFull);
  EXPECT_EQ(backlog.next_deadline(), kSecond) << "the timeout is for all";
  EXPECT_EQ(backlog.Ask(10, true, kSecond), Turn::kExpired);
}

TEST(BacklogTest, AnInfiniteTimeoutNeverEnds) {
  Backlog backlog(
      Config(10, absl::InfiniteDuration(), absl::InfiniteDuration()));
  EXPECT_EQ(backlog.Join(backlog.NextNumber(), kSecond), Turn::kWait);
  backlog.SetMembers(false, true, kSecond);
  EXPECT_EQ(backlog.next_deadline(), INT64_MAX);
  EXPECT_FALSE(backlog.OnTime(1'000'000 * kSecond).has_value());
}

TEST(BacklogTest, TheExpiredAreRefusedAndTheTurnIsTheNextOnes) {
  Backlog backlog(Default());
  backlog.SetMembers(true, false, 0);
  Fill(backlog, 2);
  EXPECT_EQ(backlog.Ask(3, false, kSecond), Turn::kWait);
  EXPECT_EQ(backlog.next_deadline(), 5 * kSecond);
  EXPECT_EQ(backlog.Ask(1, true, 5 * kSecond - 1), Turn::kGo);
  const int64_t now = 5 * kSecond;
  EXPECT_EQ(backlog.BeginPass(now), 3u);
  // Core lets the newest call ask first.
  EXPECT_EQ(backlog.Ask(3, true, now), Turn::kGo);
  EXPECT_FALSE(backlog.Leave(3)) << "those who remain have expired";
  EXPECT_EQ(backlog.Ask(2, true, now), Turn::kExpired);
  EXPECT_FALSE(backlog.Leave(2));
  EXPECT_EQ(backlog.Ask(1, true, now), Turn::kExpired);
  EXPECT_FALSE(backlog.Leave(1));
  EXPECT_EQ(backlog.next_deadline(), INT64_MAX);
}

// One step in the life of a balancer.  Times are in milliseconds.
struct StateStep {
  int at;
  enum { kUsable, kAllDown, kNeither, kTime } what;
  State then;
};

struct StatesCase {
  const char* name;
  std::vector<StateStep> steps;
};

constexpr State kAlive = State::kAlive;
constexpr State kOverloaded = State::kOverloaded;
constexpr State kDown = State::kDown;

const StatesCase kStatesCases[] = {
    {"ConnectingForTheFirstTimeLeavesItAlive",
     {{0, StateStep::kNeither, kAlive}, {9000, StateStep::kTime, kAlive}}},
    {"LimitsLeaveItAlive",
     {{0, StateStep::kUsable, kAlive}, {9000, StateStep::kTime, kAlive}}},
    {"AllDownIsOverloadedThenDown",
     {{0, StateStep::kAllDown, kOverloaded},
      {999, StateStep::kTime, kOverloaded},
      {1000, StateStep::kTime, kDown},
      {9000, StateStep::kTime, kDown}}},
    {"OneUsableEndsOverloaded",
     {{0, StateStep::kAllDown, kOverloaded},
      {500, StateStep::kUsable, kAlive},
      {1500, StateStep::kTime, kAlive}}},
    {"OneUsableEndsDown",
     {{0, StateStep::kAllDown, kOverloaded},
      {1000, StateStep::kTime, kDown},
      {1500, StateStep::kUsable, kAlive}}},
    {"TheTimeCountsFromTheFirstNews",
     {{0, StateStep::kAllDown, kOverloaded},
      {600, StateStep::kAllDown, kOverloaded},
      {1000, StateStep::kTime, kDown}}},
    {"BeingConnectedIsNotUsable",
     {{0, StateStep::kAllDown, kOverloaded},
      {600, StateStep::kNeither, kOverloaded},
      {1000, StateStep::kTime, kDown},
      {1100, StateStep::kNeither, kDown}}},
    {"TheTimeStartsAgainAfterAUsableOne",
     {{0, StateStep::kAllDown, kOverloaded},
      {900, StateStep::kUsable, kAlive},
      {950, StateStep::kAllDown, kOverloaded},
      {1900, StateStep::kTime, kOverloaded},
      {1950, StateStep::kTime, kDown}}},
};

TEST(BacklogTest, StatesFollowTheMembers) {
  for (const StatesCase& c : kStatesCases) {
    SCOPED_TRACE(c.name);
    Backlog backlog(Default());
    for (const StateStep& step : c.steps) {
      const int64_t now = step.at * (kSecond / 1000);
      const State before = backlog.state();
      const auto change =
          step.what == StateStep::kTime
              ? backlog.OnTime(now)
              : backlog.SetMembers(step.what == StateStep::kUsable,
                                   step.what == StateStep::kAllDown, now);
      EXPECT_EQ(backlog.state(), step.then) << step.at << " ms";
      ASSERT_EQ(change.has_value(), before != step.then) << step.at << " ms";
      if (!change.has_value()) continue;
      EXPECT_EQ(change->from, before);
      EXPECT_EQ(change->to, step.then);
      EXPECT_EQ(change->at, now);
    }
  }
}

TEST(BacklogTest, AChangeSaysWhy) {
  Backlog backlog(Default());
  EXPECT_EQ(backlog.SetMembers(false, true, 0)->reason,
            "all backends are down");
  EXPECT_EQ(backlog.next_deadline(), kSecond);
  EXPECT_EQ(backlog.OnTime(1'234'567'890)->reason,
            "all backends have been down for 1.234s");
  EXPECT_EQ(backlog.SetMembers(true, false, 2 * kSecond)->reason,
            "a backend is usable");
  EXPECT_EQ(Backlog::StateName(kAlive), "ALIVE");
  EXPECT_EQ(Backlog::StateName(kOverloaded), "OVERLOADED");
  EXPECT_EQ(Backlog::StateName(kDown), "DOWN");
}

TEST(BacklogTest, DownRefusesThoseWhoWaitAndThoseWhoCome) {
  Backlog backlog(Default());
  Fill(backlog, 3);
  backlog.SetMembers(false, true, 0);
  EXPECT_EQ(backlog.Ask(2, true, 1), Turn::kWait);
  backlog.OnTime(kSecond);
  backlog.BeginPass(kSecond);
  for (const uint64_t number : {3, 2, 1}) {
    EXPECT_EQ(backlog.Ask(number, true, kSecond), Turn::kDown);
    EXPECT_FALSE(backlog.Leave(number));
  }
  const uint64_t newcomer = backlog.NextNumber();
  EXPECT_EQ(backlog.Ask(newcomer, false, kSecond), Turn::kDown);
  EXPECT_EQ(backlog.Join(newcomer, kSecond), Turn::kDown);
  EXPECT_FALSE(backlog.any_waiting());
}

TEST(BacklogTest, ARefusalSaysThatItWasNeverSentAndWhy) {
  Backlog backlog(Default());
  Fill(backlog, 1000);
  backlog.SetMembers(false, true, kSecond);
  EXPECT_EQ(backlog.RefusalText(Turn::kFull, 1001, 0, "a:1 (refused)"),
            "multi_backend: no usable backend, the call was never sent: 1000 "
            "calls are waiting already (backlog.limit): a:1 (refused)");
  EXPECT_EQ(backlog.RefusalText(Turn::kDown, 1, 3 * kSecond, "a:1 (refused)"),
            "multi_backend: no usable backend, the call was never sent: all "
            "backends have been down for 2s (backlog.overloadTimeout): a:1 "
            "(refused)");
  EXPECT_EQ(backlog.RefusalText(Turn::kExpired, 1, 5'001'999'999, ""),
            "multi_backend: no usable backend, the call was never sent: it "
            "waited 5.001s (backlog.timeout)");
  backlog.Leave(1);
  EXPECT_EQ(backlog.RefusalText(Turn::kExpired, 1, 6 * kSecond, ""),
            "multi_backend: no usable backend, the call was never sent: it "
            "waited 5s (backlog.timeout)");
  EXPECT_EQ(Backlog::RefusalCode(Turn::kFull), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Backlog::RefusalCode(Turn::kDown), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Backlog::RefusalCode(Turn::kExpired),
            absl::StatusCode::kDeadlineExceeded);
}

// Gives the same input to a Backlog and its oracle, whose answers must agree.
class Pair {
 public:
  static constexpr int kLimit = 3;
  static constexpr int64_t kTimeout = 4;
  static constexpr int64_t kOverloadTimeout = 2;
  static constexpr uint64_t kNumbers = 4;
  static constexpr uint64_t kSteps = 3 * kNumbers + 5;

  Pair()
      : backlog_(Config(kLimit, absl::Nanoseconds(kTimeout),
                        absl::Nanoseconds(kOverloadTimeout))),
        oracle_(kLimit, kTimeout, kOverloadTimeout) {}

  // Takes one of kSteps possible steps.
  void Step(uint64_t what) {
    const uint64_t number = what / 3 + 1;
    if (number <= kNumbers) {
      switch (what % 3) {
        case 0:
          Ask(number);
          break;
        case 1:
          ASSERT_EQ(backlog_.Join(number, now_), oracle_.Join(number, now_));
          break;
        case 2:
          ASSERT_EQ(backlog_.Leave(number), oracle_.Leave(number));
      }
    } else {
      Control(what - 3 * kNumbers);
    }
    ASSERT_EQ(backlog_.waiting(), oracle_.waiting());
    ASSERT_EQ(backlog_.any_waiting(), oracle_.waiting() != 0);
    ASSERT_EQ(backlog_.state(), oracle_.state());
    ASSERT_EQ(backlog_.next_deadline(), oracle_.next_deadline());
  }

 private:
  void Ask(uint64_t number) {
    const bool joined = oracle_.Waits(number);
    ASSERT_EQ(backlog_.Ask(number, joined, now_), oracle_.Ask(number, now_));
  }

  void Control(uint64_t what) {
    switch (what) {
      case 0:
        ASSERT_EQ(backlog_.BeginPass(now_), oracle_.BeginPass(now_));
        break;
      case 1:
        SetMembers(true, false);
        break;
      case 2:
        SetMembers(false, true);
        break;
      case 3:
        SetMembers(false, false);
        break;
      case 4:
        ++now_;
        backlog_.OnTime(now_);
        oracle_.OnTime(now_);
    }
  }

  void SetMembers(bool any_usable, bool all_down) {
    backlog_.SetMembers(any_usable, all_down, now_);
    oracle_.SetMembers(any_usable, all_down, now_);
  }

  Backlog backlog_;
  BacklogOracle oracle_;
  int64_t now_ = 0;
};

TEST(BacklogTest, EverySequenceOfFourStepsAnswersAsTheRulesSay) {
  constexpr int kLength = 4;
  uint64_t sequences = 1;
  for (int i = 0; i < kLength; ++i) sequences *= Pair::kSteps;
  for (uint64_t sequence = 0; sequence < sequences; ++sequence) {
    Pair pair;
    uint64_t rest = sequence;
    for (int i = 0; i < kLength; ++i, rest /= Pair::kSteps) {
      pair.Step(rest % Pair::kSteps);
      if (HasFatalFailure()) FAIL() << "sequence " << sequence;
    }
  }
}

TEST(BacklogTest, ARandomWalkAnswersAsTheRulesSay) {
  FastRandom random(20240611);
  for (int walk = 0; walk < 300; ++walk) {
    Pair pair;
    for (int step = 0; step < 1000; ++step) {
      pair.Step(random.Below(Pair::kSteps));
      if (HasFatalFailure()) FAIL() << "walk " << walk << " step " << step;
    }
  }
}

}  // namespace
}  // namespace multi_backend

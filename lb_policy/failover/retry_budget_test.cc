#include "multi_backend/lb_policy/failover/retry_budget.h"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

// Calls get their time in batches: a call counts from its beginning until ten
// seconds after its batch was full.
constexpr int kBatch = 32;

// The oracle keeps every event with its time, in milliseconds.
class BudgetOracle {
 public:
  BudgetOracle(double ratio, double min_retries_per_second, size_t batch)
      : ratio_(ratio),
        min_retries_per_second_(min_retries_per_second),
        batch_(batch) {}

  void OnCall(int64_t now) {
    if (++pending_ < batch_) return;
    calls_.insert(calls_.end(), pending_, now);
    pending_ = 0;
  }
  void OnSuccess(int64_t now) { successes_.push_back(now); }
  // Over ten seconds.
  double Allowed(int64_t now) const {
    return ratio_ * (Recent(calls_, now, 1000, 10) + Pending()) +
           min_retries_per_second_ * 10;
  }
  double AllowedAtOnce(int64_t now) const {
    return ratio_ * (Recent(calls_, now, 100, 11) + Pending()) +
           std::max(1.0, min_retries_per_second_ * 5) +
           Recent(successes_, now, 100, 11);
  }
  bool TryRetry(int64_t now) {
    if (Recent(retries_, now, 1000, 10) + 1 > Allowed(now)) return false;
    if (Recent(retries_, now, 100, 11) + 1 > AllowedAtOnce(now)) return false;
    retries_.push_back(now);
    return true;
  }

 private:
  static double Recent(const std::vector<int64_t>& times, int64_t now,
                       int64_t bucket_millis, int64_t buckets) {
    return static_cast<double>(
        std::count_if(times.begin(), times.end(), [&](int64_t time) {
          return time <= now &&
                 time / bucket_millis > now / bucket_millis - buckets;
        }));
  }
  double Pending() const { return static_cast<double>(pending_); }

  const double ratio_;
  const double min_retries_per_second_;
  const size_t batch_;
  size_t pending_ = 0;
  std::vector<int64_t> calls_;
  std::vector<int64_t> retries_;
  std::vector<int64_t> successes_;
};

// All times are in seconds, unless a name says otherwise.
void Call(RetryBudget& budget, int64_t now, int times) {
  for (int i = 0; i < times; ++i) {
    budget.OnCall([now]() { return now * 1000; });
  }
}

// Returns how many retries in a row fit, at most `limit`.
int RetriesAtOnce(RetryBudget& budget, int64_t now, int limit = 10000) {
  int fitted = 0;
  while (fitted < limit && budget.TryRetry(now * 1000)) ++fitted;
  return fitted;
}

// As RetriesAtOnce(), with each of the retries successful, so that only the
// bound over ten seconds is left.
int Retries(RetryBudget& budget, int64_t now, int limit = 10000) {
  int fitted = 0;
  while (fitted < limit && budget.TryRetry(now * 1000)) {
    budget.OnRetriedCallSucceeded(now * 1000);
    ++fitted;
  }
  return fitted;
}

struct BudgetCase {
  const char* name;
  double ratio;
  double min_retries_per_second;
  int calls;    // In second 100.
  int retries;  // The number that fits in ten seconds.
  int at_once;  // The number that fits in second 100 if none succeeds.
};

const BudgetCase kBudgetCases[] = {
    {"NothingWithoutRatioAndReserve", 0, 0, 1000, 0, 0},
    {"TheReserveAloneWithoutCalls", 0.2, 10, 0, 100, 50},
    {"TheReserveAloneWithRatioZero", 0, 10, 1000, 100, 50},
    {"TheRatioAloneWithReserveZero", 0.2, 0, 1000, 200, 200},
    {"NothingWithReserveZeroAndNoCalls", 0.2, 0, 0, 0, 0},
    {"TheSumOfRatioAndReserve", 0.2, 10, 1000, 300, 250},
    {"NoRetryForAPartOfOne", 0.2, 0, 4, 0, 0},
    {"OneForExactlyOne", 0.2, 0, 5, 1, 1},
    {"PartsOfBothAddUp", 0.25, 0.05, 2, 1, 1},
    {"ASmallReserveIsOneInTheWindow", 0, 0.1, 0, 1, 1},
    {"AReserveBelowOneInTheWindowIsNone", 0, 0.09, 0, 0, 0},
    {"MoreThanOneRetryACall", 2, 0, 7, 14, 14},
};

class RetryBudgetTest : public ::testing::TestWithParam<BudgetCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, RetryBudgetTest,
                         ::testing::ValuesIn(kBudgetCases),
                         [](const ::testing::TestParamInfo<BudgetCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(RetryBudgetTest, Fits) {
  RetryBudget budget(GetParam().ratio, GetParam().min_retries_per_second);
  Call(budget, 100, GetParam().calls);
  EXPECT_EQ(Retries(budget, 100), GetParam().retries);
  EXPECT_FALSE(budget.TryRetry(100'000));
}

TEST_P(RetryBudgetTest, FitsAtOnce) {
  RetryBudget budget(GetParam().ratio, GetParam().min_retries_per_second);
  Call(budget, 100, GetParam().calls);
  EXPECT_EQ(RetriesAtOnce(budget, 100), GetParam().at_once);
  EXPECT_FALSE(budget.TryRetry(100'000));
}

TEST_P(RetryBudgetTest, WhatDoesNotFitAtOnceFitsLater) {
  RetryBudget budget(GetParam().ratio, GetParam().min_retries_per_second);
  Call(budget, 100, GetParam().calls);
  int fitted = 0;
  for (int64_t second = 100; second < 110; ++second) {
    fitted += RetriesAtOnce(budget, second);
  }
  EXPECT_EQ(fitted, GetParam().retries);
}

TEST(RetryBudgetTest, ACallPaysForTheSecondItIsInAndNineMore) {
  for (int64_t start : {0, 1, 9, 10, 12345}) {
    for (int64_t later = 0; later <= 25; ++later) {
      RetryBudget budget(1, 0);
      Call(budget, start, kBatch);
      EXPECT_EQ(Retries(budget, start + later), later < 10 ? kBatch : 0)
          << start << " + " << later;
    }
  }
}

TEST(RetryBudgetTest, ACallPaysBeforeItsBatchIsFullAndTenSecondsAfter) {
  for (int first = 1; first < kBatch; ++first) {
    RetryBudget budget(1, 0);
    Call(budget, 100, first);
    EXPECT_EQ(Retries(budget, 100), first);
    EXPECT_EQ(Retries(budget, 200), first);
    Call(budget, 200, kBatch - first);
    EXPECT_EQ(Retries(budget, 209), kBatch - first);
    EXPECT_EQ(Retries(budget, 230), 0);
  }
}

TEST(RetryBudgetTest, TheTimeIsAskedForOncePerBatch) {
  RetryBudget budget(1, 0);
  int asked = 0;
  for (int i = 0; i < 10 * kBatch; ++i) {
    budget.OnCall([&asked]() { return ++asked; });
  }
  EXPECT_EQ(asked, 10);
}

TEST(RetryBudgetTest, ARetryIsChargedForTheSecondItIsInAndNineMore) {
  for (int64_t later = 0; later <= 25; ++later) {
    RetryBudget budget(0, 1);
    ASSERT_EQ(Retries(budget, 100), 10);
    EXPECT_EQ(Retries(budget, 100 + later), later < 10 ? 0 : 10) << later;
  }
}

TEST(RetryBudgetTest, ARefusedRetryIsNotCharged) {
  RetryBudget budget(0, 1);
  ASSERT_EQ(Retries(budget, 100), 10);
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(budget.TryRetry(105'000));
  EXPECT_EQ(Retries(budget, 110), 10);
}

TEST(RetryBudgetTest, AfterALongIdleTimeOnlyTheReserveIsLeft) {
  for (int64_t idle : {10, 11, 19, 20, 100, 1000003}) {
    RetryBudget budget(0.5, 1);
    Call(budget, 100, 30 * kBatch);
    Retries(budget, 100, 400);
    EXPECT_EQ(Retries(budget, 100 + idle), 10) << idle;
  }
}

TEST(RetryBudgetTest, AStormAfterABurstIsBoundedByTheBurst) {
  RetryBudget budget(0.2, 0);
  Call(budget, 100, 300 * kBatch);
  int fitted = 0;
  for (int64_t second = 100; second < 130; ++second) {
    fitted += Retries(budget, second, 300);
  }
  EXPECT_EQ(fitted, 60 * kBatch);
}

// A thread whose cached time is one second old asks about that earlier second.
TEST(RetryBudgetTest, ATimeThatLagsSeesWhatWasThenKnown) {
  RetryBudget budget(1, 0);
  Call(budget, 99, 2 * kBatch);
  Call(budget, 100, 5 * kBatch);
  EXPECT_EQ(Retries(budget, 99), 2 * kBatch);
  EXPECT_EQ(Retries(budget, 100), 5 * kBatch);
}

// Makes a history of calls, retries and successes, in milliseconds.  Each is
// mostly in the same tenth of a second as the one before, sometimes in one of
// the next ten, and seldom later.
template <typename OnCall, typename OnRetry, typename OnSuccess>
void ForRandomHistory(uint64_t seed, OnCall on_call, OnRetry on_retry,
                      OnSuccess on_success) {
  FastRandom random(seed);
  int64_t now = random.Below(30000);
  for (int step = 0; step < 3000; ++step) {
    const uint32_t dice = random.Below(100);
    if (dice < 10) now += random.Below(2000);
    if (dice == 10) now += random.Below(25000);
    SCOPED_TRACE(step);
    const uint32_t what = random.Below(12);
    if (what < 4) {
      on_retry(now);
    } else if (what == 4) {
      on_success(now);
    } else {
      on_call(now);
    }
    if (::testing::Test::HasFatalFailure()) return;
  }
}

struct Rates {
  double ratio;
  double min_retries_per_second;
};

std::vector<Rates> AllRates() {
  std::vector<Rates> all;
  for (const double ratio : {0.0, 0.1, 0.2, 0.5, 1.0, 3.0}) {
    for (const double reserve : {0.0, 0.1, 1.0, 10.0}) {
      all.push_back({ratio, reserve});
    }
  }
  return all;
}

TEST(RetryBudgetTest, AgreesWithTheOracleOnRandomHistories) {
  uint64_t seed = 1;
  for (const Rates& rates : AllRates()) {
    RetryBudget budget(rates.ratio, rates.min_retries_per_second);
    BudgetOracle oracle(rates.ratio, rates.min_retries_per_second, kBatch);
    ForRandomHistory(
        seed++,
        [&](int64_t now) {
          budget.OnCall([now]() { return now; });
          oracle.OnCall(now);
        },
        [&](int64_t now) {
          ASSERT_EQ(budget.TryRetry(now), oracle.TryRetry(now))
              << rates.ratio << " " << rates.min_retries_per_second;
        },
        [&](int64_t now) {
          budget.OnRetriedCallSucceeded(now);
          oracle.OnSuccess(now);
        });
  }
}

// Because of the batches, a window may contain as many retries as exact times
// would allow for one batch of calls more, but not more than that.
TEST(RetryBudgetTest, IsOffByLessThanABatchOfCalls) {
  uint64_t seed = 100;
  for (const Rates& rates : AllRates()) {
    RetryBudget budget(rates.ratio, rates.min_retries_per_second);
    BudgetOracle exact(rates.ratio, rates.min_retries_per_second, 1);
    std::vector<int64_t> retries;
    ForRandomHistory(
        seed++,
        [&](int64_t now) {
          budget.OnCall([now]() { return now; });
          exact.OnCall(now);
        },
        [&](int64_t now) {
          if (!budget.TryRetry(now)) return;
          retries.push_back(now);
          const auto recent = std::count_if(
              retries.begin(), retries.end(),
              [now](int64_t time) { return time / 1000 > now / 1000 - 10; });
          ASSERT_LE(recent, exact.Allowed(now) + rates.ratio * kBatch)
              << rates.ratio << " " << rates.min_retries_per_second;
        },
        [&](int64_t now) { budget.OnRetriedCallSucceeded(now); });
  }
}

// In virtual time, with 500 calls per second: after 20 quiet seconds, all
// backends stop.  Each attempt then fails at once, and a call tries up to
// maxRetries = 2 further backends.  Returns the attempts per call in the worst
// of all seconds.
double AttemptsInWorstSecond(int backends) {
  constexpr int64_t kStep = 2;
  constexpr size_t kCallsPerSecond = 1000 / kStep;
  RetryBudget budget(0.2, 10);
  std::vector<int> attempts;  // By call.
  for (int64_t now = 0; now < 60'000; now += kStep) {
    budget.OnCall([now]() { return now; });
    attempts.push_back(1);
    if (now < 20'000) continue;
    const int tries = std::min(3, backends);
    while (attempts.back() < tries && budget.TryRetry(now)) ++attempts.back();
  }
  double worst = 0;
  int sum = 0;
  for (size_t i = 0; i < attempts.size(); ++i) {
    sum += attempts[i];
    if (i >= kCallsPerSecond) sum -= attempts[i - kCallsPerSecond];
    if (i < kCallsPerSecond - 1) continue;
    worst = std::max(worst, static_cast<double>(sum) / kCallsPerSecond);
  }
  return worst;
}

TEST(RetryStormTest, NoSecondHasManyMoreAttemptsThanCallsWhenAllBackendsStop) {
  for (const int backends : {2, 3, 5}) {
    const double attempts = AttemptsInWorstSecond(backends);
    EXPECT_LE(attempts, 1.35) << backends;
    EXPECT_GE(attempts, 1.2) << "the ratio alone allows it";
  }
}

// Half of the calls of two backends need a retry when one stops.  The budget of
// ten seconds pays for them until health has taken the backend out.
TEST(RetryStormTest, NoCallIsLostForASecondWhenOneOfTwoBackendsStops) {
  RetryBudget budget(0.2, 10);
  int64_t now = 0;
  for (; now < 20'000; now += 2) budget.OnCall([now]() { return now; });
  for (int call = 0; call < 500; ++call, now += 2) {
    budget.OnCall([now]() { return now; });
    if (call % 2 == 0) continue;
    ASSERT_TRUE(budget.TryRetry(now)) << call;
    budget.OnRetriedCallSucceeded(now);
  }
}

// 100 calls of a backend that is lost fail at the same time.
TEST(RetryStormTest, TheCallsInFlightOnALostBackendAreAllTriedAgain) {
  RetryBudget budget(0.2, 10);
  int64_t now = 0;
  for (; now < 20'000; now += 2) budget.OnCall([now]() { return now; });
  EXPECT_GE(RetriesAtOnce(budget, now / 1000), 100);
}

TEST(RetryBudgetThreadsTest, ConcurrentRetriesTogetherFitExactly) {
  constexpr int kThreads = 8;
  RetryBudget budget(0.5, 1);
  Call(budget, 100, 200);
  std::vector<int> fitted(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &budget, &fitted]() {
      fitted[t] = Retries(budget, 100, /*limit=*/100);
    });
  }
  int sum = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads[t].join();
    sum += fitted[t];
  }
  EXPECT_EQ(sum, 110);
}

TEST(RetryBudgetThreadsTest, CallsThatBeginAtOnceAreCountedOnceEach) {
  constexpr int kThreads = 8;
  constexpr int kCallsEach = 100'000;
  RetryBudget budget(/*ratio=*/0.001, /*min_retries_per_second=*/0);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&budget]() { Call(budget, 100, kCallsEach); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Retries(budget, 100, kCallsEach), kThreads * kCallsEach / 1000);
}

TEST(RetryBudgetThreadsTest, CallsThatBeginAndRetryAtOnceFitExactly) {
  constexpr int kThreads = 8;
  constexpr int kCallsEach = 100'000;
  RetryBudget budget(/*ratio=*/0.25, /*min_retries_per_second=*/0);
  std::vector<int> fitted(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &budget, &fitted]() {
      for (int i = 0; i < kCallsEach; ++i) {
        Call(budget, 100, 1);
        fitted[t] += budget.TryRetry(100 * 1000);
      }
    });
  }
  int sum = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads[t].join();
    sum += fitted[t];
  }
  // Every retry that did not fit was followed by further calls, or was among
  // the last.
  EXPECT_LE(sum, kThreads * kCallsEach / 4);
  sum += Retries(budget, 100, kCallsEach);
  EXPECT_EQ(sum, kThreads * kCallsEach / 4);
}

TEST(RetryBudgetThreadsTest, CallsGoOnWhileOthersRetry) {
  constexpr int kCalls = 20000;
  RetryBudget budget(1, 0);
  std::thread calls([&budget]() {
    for (int i = 0; i < kCalls; ++i) {
      budget.OnCall([&] { return int64_t{i}; });
    }
  });
  int fitted = 0;
  std::thread retries([&budget, &fitted]() {
    for (int i = 0; i < kCalls; ++i) fitted += budget.TryRetry(i);
  });
  calls.join();
  retries.join();
  EXPECT_LE(fitted, kCalls);
  // At the end only the calls of the last ten seconds count, 1,000 in each.
  EXPECT_LE(Retries(budget, 19, kCalls), 10000 + kBatch);
  EXPECT_EQ(Retries(budget, 19), 0);
}

}  // namespace
}  // namespace multi_backend

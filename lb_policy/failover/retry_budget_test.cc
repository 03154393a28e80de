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

// The oracle keeps every event with its time.
class BudgetOracle {
 public:
  BudgetOracle(double ratio, double min_retries_per_second, size_t batch)
      : ratio_(ratio), reserve_(min_retries_per_second * 10), batch_(batch) {}

  void OnCall(int64_t now) {
    if (++pending_ < batch_) return;
    calls_.insert(calls_.end(), pending_, now);
    pending_ = 0;
  }
  double Allowed(int64_t now) const {
    return ratio_ * (Recent(calls_, now) + static_cast<double>(pending_)) +
           reserve_;
  }
  bool TryRetry(int64_t now) {
    if (Recent(retries_, now) + 1 > Allowed(now)) return false;
    retries_.push_back(now);
    return true;
  }

 private:
  static int64_t Recent(const std::vector<int64_t>& times, int64_t now) {
    return std::count_if(times.begin(), times.end(), [now](int64_t time) {
      return now - 10 < time && time <= now;
    });
  }

  const double ratio_;
  const double reserve_;
  const size_t batch_;
  size_t pending_ = 0;
  std::vector<int64_t> calls_;
  std::vector<int64_t> retries_;
};

void Call(RetryBudget& budget, int64_t now, int times) {
  for (int i = 0; i < times; ++i) {
    budget.OnCall([now]() { return now; });
  }
}

// Returns how many retries in a row fit, at most `limit`.
int Retries(RetryBudget& budget, int64_t now, int limit = 10000) {
  int fitted = 0;
  while (fitted < limit && budget.TryRetry(now)) ++fitted;
  return fitted;
}

struct BudgetCase {
  const char* name;
  double ratio;
  double min_retries_per_second;
  int calls;    // In second 100.
  int retries;  // The number that fits in second 100.
};

const BudgetCase kBudgetCases[] = {
    {"NothingWithoutRatioAndReserve", 0, 0, 1000, 0},
    {"TheReserveAloneWithoutCalls", 0.2, 10, 0, 100},
    {"TheReserveAloneWithRatioZero", 0, 10, 1000, 100},
    {"TheRatioAloneWithReserveZero", 0.2, 0, 1000, 200},
    {"NothingWithReserveZeroAndNoCalls", 0.2, 0, 0, 0},
    {"TheSumOfRatioAndReserve", 0.2, 10, 1000, 300},
    {"NoRetryForAPartOfOne", 0.2, 0, 4, 0},
    {"OneForExactlyOne", 0.2, 0, 5, 1},
    {"PartsOfBothAddUp", 0.25, 0.05, 2, 1},
    {"ASmallReserveIsOneInTheWindow", 0, 0.1, 0, 1},
    {"AReserveBelowOneInTheWindowIsNone", 0, 0.09, 0, 0},
    {"MoreThanOneRetryACall", 2, 0, 7, 14},
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
  EXPECT_FALSE(budget.TryRetry(100));
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
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(budget.TryRetry(105));
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

// Makes a history of calls and retries.  Each is mostly in the same second as
// the one before, sometimes in the next, and seldom later.
template <typename OnCall, typename OnRetry>
void ForRandomHistory(uint64_t seed, OnCall on_call, OnRetry on_retry) {
  FastRandom random(seed);
  int64_t now = random.Below(30);
  for (int step = 0; step < 3000; ++step) {
    const uint32_t dice = random.Below(100);
    if (dice < 10) ++now;
    if (dice == 10) now += random.Below(25);
    SCOPED_TRACE(step);
    if (random.Below(3) == 0) {
      on_retry(now);
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
          Call(budget, now, 1);
          oracle.OnCall(now);
        },
        [&](int64_t now) {
          ASSERT_EQ(budget.TryRetry(now), oracle.TryRetry(now))
              << rates.ratio << " " << rates.min_retries_per_second;
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
          Call(budget, now, 1);
          exact.OnCall(now);
        },
        [&](int64_t now) {
          if (!budget.TryRetry(now)) return;
          retries.push_back(now);
          const auto recent =
              std::count_if(retries.begin(), retries.end(),
                            [now](int64_t time) { return time > now - 10; });
          ASSERT_LE(recent, exact.Allowed(now) + rates.ratio * kBatch)
              << rates.ratio << " " << rates.min_retries_per_second;
        });
  }
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

TEST(RetryBudgetThreadsTest, CallsGoOnWhileOthersRetry) {
  constexpr int kCalls = 20000;
  RetryBudget budget(1, 0);
  std::thread calls([&budget]() {
    for (int i = 0; i < kCalls; ++i) {
      budget.OnCall([&] { return int64_t{i / 1000}; });
    }
  });
  int fitted = 0;
  std::thread retries([&budget, &fitted]() {
    for (int i = 0; i < kCalls; ++i) fitted += budget.TryRetry(i / 1000);
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

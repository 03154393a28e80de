#include "multi_backend/lb_policy/waiting/waiting_calls.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

constexpr int kThreads = 8;
constexpr int kStepsEach = 100'000;

template <typename Body>
void InThreads(Body body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(WaitingCallsTest, AChannelCountsOnceHoweverManyCallsWait) {
  std::atomic<uint32_t> channels{0};
  {
    WaitingCalls one(&channels);
    WaitingCalls other(&channels);
    EXPECT_FALSE(one.Add());
    EXPECT_TRUE(one.Add());
    EXPECT_FALSE(other.Add());
    EXPECT_EQ(channels.load(), 2u);
    one.Clear();
    one.Clear();
    EXPECT_EQ(channels.load(), 1u);
    EXPECT_FALSE(one.Add());
  }
  EXPECT_EQ(channels.load(), 0u) << "a channel that is gone has no calls";
}

TEST(WaitingCallsTest, TheEarliestTimeCounts) {
  std::atomic<uint32_t> channels{0};
  WaitingCalls calls(&channels);
  EXPECT_EQ(calls.repick_due_at(), INT64_MAX);
  for (const int64_t at : {30, 10, 20}) calls.RepickBy(at);
  EXPECT_EQ(calls.repick_due_at(), 10);
  calls.ClearRepickDue();
  EXPECT_EQ(calls.repick_due_at(), INT64_MAX);

  EXPECT_TRUE(calls.WakeBy(30));
  EXPECT_FALSE(calls.WakeBy(30));
  EXPECT_FALSE(calls.WakeBy(40));
  EXPECT_TRUE(calls.WakeBy(20));
  calls.SetWakeAt(50);
  EXPECT_TRUE(calls.WakeBy(40));
}

// While one thread clears the record, the others add to it.  A call that has
// been added, and not cleared since, is always among the channels.
TEST(WaitingCallsThreadsTest, ACallThatWaitsIsAlwaysOnRecord) {
  std::atomic<uint32_t> channels{0};
  WaitingCalls calls(&channels);
  std::atomic<int> missed{0};
  // Nobody clears in the first round.
  InThreads([&](int) {
    calls.Add();
    missed += channels.load() == 0;
  });
  InThreads([&](int t) {
    for (int i = 0; i < kStepsEach; ++i) {
      if (t == 0) {
        calls.Clear();
      } else {
        calls.Add();
      }
      // At most one for each thread that is just adding, and one on record.
      missed += channels.load() > kThreads + 1;
    }
  });
  EXPECT_EQ(missed.load(), 0);
  calls.Add();
  EXPECT_EQ(channels.load(), 1u);
  calls.Clear();
  EXPECT_EQ(channels.load(), 0u);
}

TEST(WaitingCallsThreadsTest, NoEarlierTimeIsLost) {
  std::atomic<uint32_t> channels{0};
  for (int round = 0; round < 2000; ++round) {
    WaitingCalls calls(&channels);
    calls.SetWakeAt(1000);
    std::atomic<int> wakes{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&calls, &wakes, t] {
        calls.RepickBy(10 + t);
        wakes += calls.WakeBy(10 + t);
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(calls.repick_due_at(), 10);
    ASSERT_FALSE(calls.WakeBy(10));
    ASSERT_GE(wakes.load(), 1);
  }
}

}  // namespace
}  // namespace multi_backend

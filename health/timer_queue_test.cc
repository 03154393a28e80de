#include "multi_backend/health/timer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;

// Far above what anything here takes.
constexpr absl::Duration kLong = absl::Seconds(30);

// Runs after all that is due before it.
void Flush(TimerQueue& timers, absl::Duration delay) {
  absl::Notification done;
  timers.RunAfter(delay, [&] { done.Notify(); });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kLong));
}

TEST(TimerQueueTest, RunsInTheOrderOfTimesAndNeverEarly) {
  const auto timers = TimerQueue::Make();
  std::vector<int> order;
  const absl::Time begin = absl::Now();
  std::vector<absl::Duration> ran_at;
  const auto add = [&](int name, absl::Duration delay) {
    timers->RunAfter(delay, [&, name] {
      order.push_back(name);
      ran_at.push_back(absl::Now() - begin);
    });
  };
  add(3, absl::Milliseconds(30));
  add(1, absl::Milliseconds(10));
  add(2, absl::Milliseconds(20));
  add(0, absl::Seconds(-1));
  add(9, absl::InfiniteDuration());
  Flush(*timers, absl::Milliseconds(31));
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
  for (int i = 0; i < 4; ++i) {
    // The machine's clock and the monotonic one may differ by a little.
    EXPECT_GE(ran_at[i], absl::Milliseconds(10 * i - 1)) << i;
  }
}

TEST(TimerQueueTest, EqualDelaysRunInTheOrderOfTheCalls) {
  const auto timers = TimerQueue::Make();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    timers->RunAfter(absl::ZeroDuration(), [&, i] { order.push_back(i); });
  }
  Flush(*timers, absl::Milliseconds(1));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(TimerQueueTest, AnEarlierTimerOvertakesTheOneThatIsWaitedFor) {
  const auto timers = TimerQueue::Make();
  timers->RunAfter(absl::Hours(1), [] { FAIL(); });
  Flush(*timers, absl::Milliseconds(1));
}

TEST(TimerQueueTest, ACancelledTimerDoesNotRunAndItsFunctionIsDestroyed) {
  const auto timers = TimerQueue::Make();
  auto held = std::make_shared<int>(0);
  const uint64_t id =
      timers->RunAfter(absl::Milliseconds(1), [held] { ++*held; });
  timers->Cancel(id);
  const long uses = held.use_count();
  EXPECT_EQ(uses, 1);
  timers->Cancel(id);
  timers->Cancel(0);
  timers->Cancel(12345);
  Flush(*timers, absl::Milliseconds(2));
}

TEST(TimerQueueTest, CancelWaitsForTheRunningFunction) {
  const auto timers = TimerQueue::Make();
  for (int round = 0; round < 100; ++round) {
    absl::Notification running;
    std::atomic<bool> ended{false};
    const uint64_t id = timers->RunAfter(absl::ZeroDuration(), [&] {
      running.Notify();
      std::this_thread::yield();
      ended = true;
    });
    running.WaitForNotification();
    timers->Cancel(id);
    EXPECT_TRUE(ended);
  }
}

TEST(TimerQueueTest, AFunctionMayCancelItselfAndOthersAndAddMore) {
  const auto timers = TimerQueue::Make();
  absl::Notification added;
  std::promise<uint64_t> own;
  const uint64_t other = timers->RunAfter(absl::Hours(1), [] { FAIL(); });
  own.set_value(timers->RunAfter(absl::ZeroDuration(), [&] {
    timers->Cancel(own.get_future().get());
    timers->Cancel(other);
    timers->RunAfter(absl::ZeroDuration(), [&] { added.Notify(); });
  }));
  EXPECT_TRUE(added.WaitForNotificationWithTimeout(kLong));
}

TEST(TimerQueueTest, TheEndDropsWhatHasNotRun) {
  auto timers = TimerQueue::Make();
  auto held = std::make_shared<int>(0);
  timers->RunAfter(absl::Hours(1), [held] { ++*held; });
  timers.reset();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

TEST(TimerQueueTest, MayBeDroppedByItsOwnFunction) {
  for (int round = 0; round < 50; ++round) {
    auto timers = TimerQueue::Make();
    absl::Notification dropped;
    std::promise<std::shared_ptr<TimerQueue>> handed_over;
    auto future = std::make_shared<std::future<std::shared_ptr<TimerQueue>>>(
        handed_over.get_future());
    timers->RunAfter(absl::ZeroDuration(), [&dropped, future] {
      future->get().reset();
      dropped.Notify();
    });
    handed_over.set_value(std::move(timers));
    ASSERT_TRUE(dropped.WaitForNotificationWithTimeout(kLong));
  }
}

TEST(TimerQueueTest, TheSharedOneLivesAsLongAsItIsHeld) {
  auto first = TimerQueue::Shared();
  auto second = TimerQueue::Shared();
  EXPECT_EQ(first, second);
  const std::weak_ptr<TimerQueue> watched = first;
  first.reset();
  EXPECT_FALSE(watched.expired());
  second.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_NE(TimerQueue::Shared(), nullptr);
}

TEST(TimerQueueTest, ThousandsOfTimersFromManyThreadsAllRunOrAreCancelled) {
  constexpr int kThreads = 8;
  constexpr int kTimers = 1000;
  const auto timers = TimerQueue::Make();
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTimers; ++i) {
        timers->RunAfter(absl::Microseconds(i % 50), [&] { ++ran; });
        timers->Cancel(timers->RunAfter(absl::Hours(1), [] { FAIL(); }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Flush(*timers, absl::Milliseconds(1));
  EXPECT_EQ(ran, kThreads * kTimers);
}

}  // namespace
}  // namespace multi_backend

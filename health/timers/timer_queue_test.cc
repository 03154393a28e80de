#include "multi_backend/health/timers/timer_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/tests/testing/event.h"

namespace multi_backend {
namespace {

// Waits until all functions that are due before `delay` have run.
void Flush(TimerQueue& timers, absl::Duration delay) {
  Event done;
  timers.RunAfter(delay, [&] { done.Set(); });
  ASSERT_TRUE(done.Await());
}

TEST(TimerQueueTest, RunsInTheOrderOfTimesAndNeverEarly) {
  using Clock = std::chrono::steady_clock;
  struct Timer {
    Clock::time_point not_before;  // The requested time lies between these two.
    Clock::time_point not_after;
    Clock::time_point ran_at;
  };
  const auto timers = TimerQueue::Make();
  std::vector<Timer> added(100);
  std::vector<const Timer*> ran;
  for (size_t i = 0; i < added.size(); ++i) {
    Timer& timer = added[i];
    const auto delay = std::chrono::milliseconds(i * 37 % 50);
    timer.not_before = Clock::now() + delay;
    timers->RunAfter(absl::FromChrono(delay), [&] {
      timer.ran_at = Clock::now();
      ran.push_back(&timer);
    });
    timer.not_after = Clock::now() + delay;
  }
  timers->RunAfter(absl::InfiniteDuration(), [] { FAIL(); });
  Flush(*timers, absl::Milliseconds(51));
  ASSERT_EQ(ran.size(), added.size());
  for (size_t i = 0; i < ran.size(); ++i) {
    EXPECT_GE(ran[i]->ran_at, ran[i]->not_before);
    if (i > 0) {
      EXPECT_GE(ran[i]->not_after, ran[i - 1]->not_before);
    }
  }
}

TEST(TimerQueueTest, ADelayThatIsOverRunsAtOnce) {
  const auto timers = TimerQueue::Make();
  timers->RunAfter(absl::Hours(1), [] { FAIL(); });
  Flush(*timers, -absl::InfiniteDuration());
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
    Event running;
    std::atomic<bool> ended{false};
    const uint64_t id = timers->RunAfter(absl::ZeroDuration(), [&] {
      running.Set();
      std::this_thread::yield();
      ended = true;
    });
    ASSERT_TRUE(running.Await());
    timers->Cancel(id);
    EXPECT_TRUE(ended);
  }
}

TEST(TimerQueueTest, DropLetsARunningFunctionGoOn) {
  const auto timers = TimerQueue::Make();
  Event running, go_on, pending_ran;
  const uint64_t id = timers->RunAfter(absl::ZeroDuration(), [&] {
    running.Set();
    EXPECT_TRUE(go_on.Await());
  });
  const uint64_t pending =
      timers->RunAfter(absl::ZeroDuration(), [&] { pending_ran.Set(); });
  ASSERT_TRUE(running.Await());
  timers->Drop(id);
  timers->Drop(pending);
  go_on.Set();
  timers->Cancel(id);
  Event last;
  timers->RunAfter(absl::ZeroDuration(), [&] { last.Set(); });
  EXPECT_TRUE(last.Await());
  EXPECT_FALSE(pending_ran.Await(absl::ZeroDuration()));
}

TEST(TimerQueueTest, AFunctionMayCancelItselfAndOthersAndAddMore) {
  const auto timers = TimerQueue::Make();
  Event added;
  std::promise<uint64_t> own;
  const uint64_t other = timers->RunAfter(absl::Hours(1), [] { FAIL(); });
  own.set_value(timers->RunAfter(absl::ZeroDuration(), [&] {
    timers->Cancel(own.get_future().get());
    timers->Cancel(other);
    timers->RunAfter(absl::ZeroDuration(), [&] { added.Set(); });
  }));
  EXPECT_TRUE(added.Await());
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
    Event dropped;
    std::promise<std::shared_ptr<TimerQueue>> handed_over;
    auto future = std::make_shared<std::future<std::shared_ptr<TimerQueue>>>(
        handed_over.get_future());
    timers->RunAfter(absl::ZeroDuration(), [&dropped, future] {
      future->get().reset();
      dropped.Set();
    });
    handed_over.set_value(std::move(timers));
    ASSERT_TRUE(dropped.Await());
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

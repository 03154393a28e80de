#include "multi_backend/sync/mutex.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "gtest/gtest.h"
#include "multi_backend/sync/lock_wait.h"

namespace multi_backend {
namespace {

using Clock = std::chrono::steady_clock;

TEST(MutexTest, OneThreadAtATimeIsInTheScope) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10000;
  struct {
    Mutex mutex;
    int count ABSL_GUARDED_BY(mutex) = 0;
  } counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counter] {
      for (int round = 0; round < kRounds; ++round) {
        MutexLock lock(&counter.mutex);
        ++counter.count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(&counter.mutex);
  EXPECT_EQ(counter.count, kThreads * kRounds);
}

TEST(MutexTest, TryLockDoesNotWait) {
  Mutex mutex;
  bool taken = true;
  mutex.Lock();
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    taken = mutex.TryLock();
  }).join();
  mutex.Unlock();
  EXPECT_FALSE(taken);
}

TEST(LockWaitTest, AFreeLockIsNotCounted) {
  const std::chrono::nanoseconds before = LockWait::Total();
  Mutex mutex;
  for (int i = 0; i < 1000; ++i) MutexLock lock(&mutex);
  EXPECT_EQ(LockWait::Total(), before);
}

TEST(LockWaitTest, WaitingForALockIsCounted) {
  const std::chrono::nanoseconds before = LockWait::Total();
  const Clock::time_point end = Clock::now() + std::chrono::seconds(30);
  // The other thread may come to the lock when it is free again, so there are
  // further rounds until it has waited.
  while (LockWait::Total() == before && Clock::now() < end) {
    Mutex mutex;
    std::atomic<bool> comes{false};
    mutex.Lock();
    std::thread other([&]() {
      comes.store(true);
      MutexLock lock(&mutex);
    });
    while (!comes.load()) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    mutex.Unlock();
    other.join();
  }
  EXPECT_GT(LockWait::Total(), before);
}

TEST(CondVarTest, EachThreadHasTheLockAgainAfterItsWait) {
  constexpr int kRounds = 1000;
  struct {
    Mutex mutex;
    CondVar changed;
    int turn ABSL_GUARDED_BY(mutex) = 0;
  } game;
  // Even turns are of one thread, odd turns of the other.
  const auto play = [&game](int player) {
    for (int round = 0; round < kRounds; ++round) {
      MutexLock lock(&game.mutex);
      while (game.turn % 2 != player) game.changed.Wait(&game.mutex);
      ++game.turn;
      game.changed.Signal();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
  MutexLock lock(&game.mutex);
  EXPECT_EQ(game.turn, 2 * kRounds);
}

TEST(CondVarTest, SignalAllWakesAllThreads) {
  struct {
    Mutex mutex;
    CondVar changed;
    bool open ABSL_GUARDED_BY(mutex) = false;
  } gate;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&gate] {
      MutexLock lock(&gate.mutex);
      while (!gate.open) gate.changed.Wait(&gate.mutex);
    });
  }
  {
    MutexLock lock(&gate.mutex);
    gate.open = true;
    gate.changed.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CondVarTest, AWaitWithoutASignalEndsInTime) {
  Mutex mutex;
  CondVar never;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(5);
  MutexLock lock(&mutex);
  while (Clock::now() < end) never.WaitUntil(&mutex, end);
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/lb_policy/connections/load.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/events.h"

namespace multi_backend {
namespace {

// Has one owner.  `events` lives as long as the load's backend.
ConnectionLoad* NewLoad(std::shared_ptr<PoolEvents> events) {
  return new ConnectionLoad(
      BackendRef::Adopt(new Backend("10.0.0.1:80", "", std::move(events))));
}

ConnectionLoadRef MakeLoad() {
  ConnectionLoad* const load = NewLoad(std::make_shared<PoolEvents>());
  ConnectionLoadRef ref = ConnectionLoadRef::New(load);
  load->RemoveOwner();
  return ref;
}

TEST(ConnectionLoadTest, TryBeginStreamOnAFullConnectionCountsNothing) {
  const ConnectionLoadRef load = MakeLoad();
  EXPECT_TRUE(load->TryBeginStream(2));
  EXPECT_TRUE(load->TryBeginStream(2));
  EXPECT_FALSE(load->TryBeginStream(2));
  EXPECT_EQ(load->streams(), 2);
  EXPECT_EQ(load->begun(), 2u);
  load->BeginStream();  // A call that cannot wait.
  load->EndStream();
  EXPECT_FALSE(load->TryBeginStream(2));
  load->EndStream();
  EXPECT_TRUE(load->TryBeginStream(2));
  load->EndStream();
  load->EndStream();
  EXPECT_EQ(load->streams(), 0);
}

// A call outlives the list that had its backend, and reports its end to it.
TEST(ConnectionLoadTest, LivesWithItsBackendUntilTheLastStreamEnds) {
  const auto events = std::make_shared<PoolEvents>();
  ConnectionLoad* const load = NewLoad(events);
  load->BeginStream();
  load->BeginStream();
  load->RemoveOwner();
  EXPECT_EQ(load->streams(), 2);
  EXPECT_FALSE(load->EndStream());
  EXPECT_GT(events.use_count(), 1);
  EXPECT_FALSE(load->EndStream());
  EXPECT_EQ(events.use_count(), 1);
}

TEST(ConnectionLoadTest, TheNextStreamThatEndsIsReportedOnce) {
  const ConnectionLoadRef load = MakeLoad();
  for (int i = 0; i < 3; ++i) load->BeginStream();
  EXPECT_FALSE(load->EndStream());
  load->AwaitEnd();
  EXPECT_EQ(load->streams(), 2);
  EXPECT_TRUE(load->EndStream());
  EXPECT_FALSE(load->EndStream());
}

// A stream above the server's limit waits inside gRPC for another one to end,
// maybe for ever.
TEST(ConnectionLoadTest, ThreadsThatBeginAtOnceDoNotExceedTheLimit) {
  constexpr int kThreads = 8;
  constexpr int kBeginsEach = 100'000;
  constexpr int kMaxStreams = 3;
  const ConnectionLoadRef load = MakeLoad();
  std::atomic<uint64_t> begun{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&]() {
      for (int i = 0; i < kBeginsEach; ++i) {
        if (!load->TryBeginStream(kMaxStreams)) continue;
        begun.fetch_add(1);
        EXPECT_LE(load->streams(), kMaxStreams);
        load->EndStream();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(load->begun(), begun.load());
  EXPECT_EQ(load->streams(), 0);
}

// Under the sanitizers: nobody uses the object after its end, and each wish to
// hear of an end is heard once at most.
TEST(ConnectionLoadTest, TheLastOfManyThreadsDestroysIt) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    const auto events = std::make_shared<PoolEvents>();
    ConnectionLoad* const load = NewLoad(events);
    std::atomic<int> reported{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) load->BeginStream();
    load->AwaitEnd();
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([load, &reported]() {
        if (load->EndStream()) reported.fetch_add(1);
      });
    }
    load->RemoveOwner();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(reported.load(), 1);
    EXPECT_EQ(events.use_count(), 1);
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/resolver/source/host_queue.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

class HostQueueTest : public ::testing::Test {
 protected:
  static HostQueue::Options OptionsFor(size_t most_at_once) {
    HostQueue::Options options;
    options.most_at_once = most_at_once;
    options.backoff.jitter = 0;
    return options;
  }
  // The hosts that are due now; they are being resolved then.
  std::vector<std::string> Take() {
    std::vector<std::string> taken;
    while (auto host = queue_.TakeNext(now_)) taken.push_back(*host);
    return taken;
  }
  void Answer(const std::string& host, bool ok = true) {
    queue_.OnAnswer(host, ok, now_, /*unit=*/0);
  }
  using Hosts = std::vector<std::string>;

  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
  HostQueue queue_{OptionsFor(2)};
};

TEST_F(HostQueueTest, ResolvesNoMoreThanAllowedAtOnceInTheOrderOfTheirTimes) {
  for (const char* const host : {"c", "a", "b"}) {
    queue_.Add(host, now_);
    now_ += absl::Nanoseconds(1);
  }
  EXPECT_EQ(Take(), (Hosts{"c", "a"}));
  EXPECT_EQ(queue_.next_due(), absl::InfiniteFuture());
  queue_.Add("a", now_);
  EXPECT_EQ(Take(), Hosts{}) << "a known host is not due anew";
  Answer("a");
  EXPECT_LE(queue_.next_due(), now_);
  EXPECT_EQ(Take(), Hosts{"b"});
}

TEST_F(HostQueueTest, AfterAnAnswerAHostRestsUntilARefresh) {
  queue_.Add("a", now_);
  EXPECT_EQ(Take(), Hosts{"a"});
  queue_.Refresh(now_);
  now_ += absl::Seconds(5);
  Answer("a");
  EXPECT_EQ(queue_.next_due(), absl::InfiniteFuture());
  queue_.Refresh(now_);
  queue_.Refresh(now_);
  EXPECT_EQ(queue_.next_due(), now_ + absl::Seconds(25));
  now_ += absl::Seconds(25);
  EXPECT_EQ(Take(), Hosts{"a"});
  Answer("a");
  now_ += absl::Hours(1);
  EXPECT_EQ(Take(), Hosts{});
  queue_.Refresh(now_);
  EXPECT_EQ(Take(), Hosts{"a"});
}

TEST_F(HostQueueTest, AfterAnErrorAHostWaitsForABackoff) {
  queue_.Add("a", now_);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 64, 120, 120}) {
    ASSERT_EQ(Take(), Hosts{"a"});
    Answer("a", /*ok=*/false);
    queue_.Refresh(now_);
    EXPECT_EQ(queue_.next_due(), now_ + absl::Seconds(seconds));
    now_ = queue_.next_due();
  }
  ASSERT_EQ(Take(), Hosts{"a"});
  Answer("a", /*ok=*/false);
  queue_.ResetBackoff(now_);
  ASSERT_EQ(Take(), Hosts{"a"});
  Answer("a", /*ok=*/false);
  EXPECT_EQ(queue_.next_due(), now_ + absl::Seconds(1));
}

TEST_F(HostQueueTest, ARemovedHostMakesRoom) {
  for (const char* const host : {"a", "b", "c", "d"}) queue_.Add(host, now_);
  EXPECT_EQ(Take(), (Hosts{"a", "b"}));
  queue_.Remove("a");
  queue_.Remove("c");
  queue_.Remove("unknown");
  EXPECT_EQ(Take(), Hosts{"d"});
  Answer("a");  // Late.
  EXPECT_EQ(queue_.next_due(), absl::InfiniteFuture());
  queue_.Refresh(now_);
  EXPECT_EQ(queue_.next_due(), absl::InfiniteFuture());
}

// Thousands of hosts of which every third never resolves: the others are
// resolved without waiting for its retries, and never too many at once.
TEST_F(HostQueueTest, FailingHostsDoNotStarveTheOthers) {
  HostQueue queue{OptionsFor(32)};
  constexpr int kHosts = 3000;
  for (int i = 0; i < kHosts; ++i) queue.Add(absl::StrCat("h", i), now_);
  int good = 0;
  std::vector<std::string> running;
  for (int step = 0; step < kHosts; ++step) {
    while (auto host = queue.TakeNext(now_)) running.push_back(*host);
    ASSERT_LE(running.size(), 32u);
    ASSERT_FALSE(running.empty());
    const bool ok = std::hash<std::string>()(running[0]) % 3 != 0;
    good += ok ? 1 : 0;
    queue.OnAnswer(running[0], ok, now_, /*unit=*/0);
    running.erase(running.begin());
    now_ += absl::Microseconds(100);
  }
  int expected = 0;
  for (int i = 0; i < kHosts; ++i) {
    expected += std::hash<std::string>()(absl::StrCat("h", i)) % 3 != 0 ? 1 : 0;
  }
  EXPECT_EQ(good, expected);
}

}  // namespace
}  // namespace multi_backend

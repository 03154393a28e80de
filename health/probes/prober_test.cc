#include "multi_backend/health/probes/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timer_queue.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);
constexpr absl::Duration kTimeout = absl::Milliseconds(700);

// A probe that answers `takes` after it was started.  Fails the test when it is
// started while it runs.
class FakeProbe final : public Probe {
 public:
  FakeProbe(VirtualTimers* timers, absl::Duration takes,
            std::vector<absl::Duration>* starts)
      : timers_(timers), takes_(takes), starts_(starts) {}

  ~FakeProbe() override { timers_->Cancel(timer_); }

  void Start(absl::Duration timeout, Done done) override {
    EXPECT_FALSE(running_) << "a probe overlaps its predecessor";
    EXPECT_EQ(timeout, kTimeout);
    running_ = true;
    starts_->push_back(timers_->now());
    timer_ = timers_->RunAfter(takes_, [this, done = std::move(done)] {
      running_ = false;
      done({true, ""});
    });
  }

 private:
  VirtualTimers* const timers_;
  const absl::Duration takes_;
  std::vector<absl::Duration>* const starts_;
  bool running_ = false;
  uint64_t timer_ = 0;
};

// The start times of the probes of one prober within `duration`.
std::vector<absl::Duration> Starts(uint64_t seed, absl::Duration takes,
                                   absl::Duration delay,
                                   absl::Duration duration) {
  const auto timers = std::make_shared<VirtualTimers>();
  std::vector<absl::Duration> starts;
  Prober prober({kInterval, kTimeout, seed},
                std::make_unique<FakeProbe>(timers.get(), takes, &starts),
                timers, [&](const ProbeResult&) { return delay; });
  timers->Advance(duration);
  return starts;
}

TEST(ProberTest, TheDelayCountsFromTheResultAndIsJitteredByATenth) {
  const absl::Duration takes = absl::Milliseconds(300);
  const auto starts = Starts(1, takes, kInterval, absl::Seconds(1000));
  ASSERT_GT(starts.size(), 700u);
  EXPECT_GE(starts[0], absl::ZeroDuration());
  EXPECT_LE(starts[0], kInterval);
  absl::Duration least = absl::InfiniteDuration(), most;
  for (size_t i = 1; i < starts.size(); ++i) {
    const absl::Duration delay = starts[i] - starts[i - 1] - takes;
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, 0.9 * kInterval);
  EXPECT_LE(most, 1.1 * kInterval);
  // The delays use the whole range, not only a part of it.
  EXPECT_LT(least, 0.92 * kInterval);
  EXPECT_GT(most, 1.08 * kInterval);
}

TEST(ProberTest, ASlowProbeDelaysTheNextOne) {
  const auto starts =
      Starts(1, absl::Seconds(5), absl::ZeroDuration(), absl::Seconds(51));
  EXPECT_EQ(starts.size(), 11u);
}

TEST(ProberTest, TheSameSeedGivesTheSameTimes) {
  const auto of_seed = [](uint64_t seed) {
    return Starts(seed, absl::ZeroDuration(), kInterval, absl::Seconds(100));
  };
  EXPECT_EQ(of_seed(7), of_seed(7));
  EXPECT_NE(of_seed(7), of_seed(8));
}

// 500 backends with an interval of 1 s and neighbouring seeds make 50 starts in
// each 100 ms on average.  The seeds are fixed, so the result does not depend
// on chance.
TEST(ProberTest, ManyProbersMakeNoBurst) {
  std::vector<int> bins(300);
  for (uint64_t seed = 0; seed < 500; ++seed) {
    for (const absl::Duration start :
         Starts(seed, absl::Milliseconds(1), kInterval, absl::Seconds(30))) {
      ++bins[std::min<int64_t>(start / absl::Milliseconds(100), 299)];
    }
  }
  EXPECT_LE(*std::max_element(bins.begin(), bins.end()), 100);
  EXPECT_GE(*std::min_element(bins.begin() + 1, bins.end()), 10);
}

TEST(ProberTest, TheAnswerOfOnResultIsTheNextDelay) {
  const auto timers = std::make_shared<VirtualTimers>();
  std::vector<absl::Duration> starts;
  std::vector<absl::Duration> delays = {absl::Seconds(10), absl::Seconds(1),
                                        absl::Seconds(100)};
  size_t results = 0;
  Prober prober(
      {kInterval, kTimeout, 1},
      std::make_unique<FakeProbe>(timers.get(), absl::ZeroDuration(), &starts),
      timers, [&](const ProbeResult& result) {
        EXPECT_TRUE(result.healthy);
        return delays[std::min(results++, delays.size() - 1)];
      });
  timers->Advance(absl::Seconds(200));
  ASSERT_EQ(starts.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    const absl::Duration delay = starts[i + 1] - starts[i];
    EXPECT_GE(delay, 0.9 * delays[i]);
    EXPECT_LE(delay, 1.1 * delays[i]);
  }
}

TEST(ProberTest, DestroyingItEndsItInEachPhase) {
  struct Row {
    const char* phase;
    absl::Duration lives;
    size_t starts;
  };
  for (const Row& row : {
           Row{"before the first probe", absl::ZeroDuration(), 0},
           Row{"during a probe", absl::Milliseconds(1001), 1},
           Row{"between two probes", absl::Milliseconds(1600), 1},
       }) {
    SCOPED_TRACE(row.phase);
    const auto timers = std::make_shared<VirtualTimers>();
    std::vector<absl::Duration> starts;
    int results = 0;
    {
      Prober prober({kInterval, kTimeout, 1},
                    std::make_unique<FakeProbe>(
                        timers.get(), absl::Milliseconds(500), &starts),
                    timers, [&](const ProbeResult&) {
                      ++results;
                      return absl::Seconds(100);
                    });
      timers->Advance(row.lives);
      EXPECT_EQ(starts.size(), row.starts);
      results = 0;
    }
    EXPECT_EQ(timers->pending(), 0u);
    EXPECT_EQ(timers.use_count(), 1) << "nothing of it is left";
    timers->Advance(absl::Seconds(1000));
    EXPECT_EQ(results, 0);
  }
}

// A probe that answers at once, on the thread that starts it.
class ImmediateProbe final : public Probe {
 public:
  void Start(absl::Duration, Done done) override { done({true, ""}); }
};

TEST(ProberTest, MayBeDestroyedByOnResult) {
  const auto timers = std::make_shared<VirtualTimers>();
  int results = 0;
  std::unique_ptr<Prober> prober;
  prober = std::make_unique<Prober>(ProberOptions{kInterval, kTimeout, 1},
                                    std::make_unique<ImmediateProbe>(), timers,
                                    [&](const ProbeResult&) {
                                      if (++results == 3) prober.reset();
                                      return kInterval;
                                    });
  timers->Advance(absl::Seconds(100));
  EXPECT_EQ(results, 3);
  EXPECT_EQ(timers.use_count(), 1);
}

// A probe that answers before Start() returns, and while it starts the prober
// is destroyed on another thread.
class EndedWhileStartingProbe final : public Probe {
 public:
  EndedWhileStartingProbe(std::unique_ptr<Prober>* prober, bool* alive)
      : prober_(prober), alive_(alive) {
    *alive_ = true;
  }
  ~EndedWhileStartingProbe() override { *alive_ = false; }

  void Start(absl::Duration, Done done) override {
    bool* const alive = alive_;
    done({true, ""});
    std::thread([prober = prober_] { prober->reset(); }).join();
    EXPECT_TRUE(*alive) << "destroyed while it starts";
  }

 private:
  std::unique_ptr<Prober>* const prober_;
  bool* const alive_;
};

TEST(ProberTest, AProbeThatIsStartingOutlivesTheProber) {
  const auto timers = std::make_shared<VirtualTimers>();
  std::unique_ptr<Prober> prober;
  bool alive = false;
  int results = 0;
  prober = std::make_unique<Prober>(
      ProberOptions{kInterval, kTimeout, 1},
      std::make_unique<EndedWhileStartingProbe>(&prober, &alive), timers,
      [&](const ProbeResult&) {
        ++results;
        return kInterval;
      });
  timers->Advance(absl::Seconds(100));
  EXPECT_EQ(results, 1);
  EXPECT_FALSE(alive);
  EXPECT_EQ(timers.use_count(), 1);
}

// A probe of which one can do for all with the same text.
class SharedProbe final : public Probe {
 public:
  struct Counts {
    int starts = 0;
    int alive = 0;
  };
  SharedProbe(std::string text, VirtualTimers* timers, Counts* counts)
      : text_(std::move(text)), timers_(timers), counts_(counts) {
    ++counts_->alive;
  }
  ~SharedProbe() override {
    --counts_->alive;
    timers_->Cancel(timer_);
  }
  void Start(absl::Duration, Done done) override {
    ++counts_->starts;
    timer_ = timers_->RunAfter(kTakes, [done = std::move(done)] {
      done({true, "shared"});
    });
  }
  ProbeIdentity identity() const override { return {text_, nullptr}; }

  static constexpr absl::Duration kTakes = absl::Milliseconds(100);

 private:
  const std::string text_;
  VirtualTimers* const timers_;
  Counts* const counts_;
  uint64_t timer_ = 0;
};

class SharingTest : public ::testing::Test {
 protected:
  ~SharingTest() override {
    EXPECT_EQ(counts_.alive, 0);
    EXPECT_EQ(timers_->pending(), 0u);
    EXPECT_EQ(timers_.use_count(), 1);
  }

  std::unique_ptr<Prober> Make(Prober::OnResult on_result,
                               const std::string& text = "tcp 10.0.0.1:80",
                               ProberOptions options = {kInterval, kTimeout,
                                                        1}) {
    return std::make_unique<Prober>(
        options, std::make_unique<SharedProbe>(text, timers_.get(), &counts_),
        timers_, std::move(on_result));
  }
  // Counts its results.
  Prober::OnResult Counting(int* results, absl::Duration delay = kInterval) {
    return [results, delay](const ProbeResult& result) {
      EXPECT_EQ(result.detail, "shared");
      ++*results;
      return delay;
    };
  }

  const std::shared_ptr<VirtualTimers> timers_ =
      std::make_shared<VirtualTimers>();
  SharedProbe::Counts counts_;
};

TEST_F(SharingTest, OneProbeRunsForAllThatAskTheSame) {
  int one = 0, two = 0, three = 0;
  auto first = Make(Counting(&one));
  auto second = Make(Counting(&two));
  EXPECT_EQ(counts_.alive, 1);
  timers_->Advance(absl::Seconds(50));
  EXPECT_EQ(one, two);
  EXPECT_NEAR(counts_.starts, 50 / 1.1, 5);
  auto third = Make(Counting(&three));
  timers_->Advance(kInterval + SharedProbe::kTakes);
  EXPECT_GE(three, 1) << "within the interval, as any prober";
  // Those that are left go on.
  first.reset();
  third.reset();
  const int before = two;
  timers_->Advance(absl::Seconds(10));
  EXPECT_GE(two, before + 7);
}

TEST_F(SharingTest, TheShortestDelayCounts) {
  int slow = 0, quick = 0;
  const auto first = Make(Counting(&slow, absl::Seconds(100)));
  timers_->Advance(absl::Seconds(50));
  EXPECT_EQ(slow, 1);
  const auto second = Make(Counting(&quick, absl::Seconds(1)));
  timers_->Advance(absl::Seconds(20));
  EXPECT_GE(quick, 15);
  EXPECT_EQ(slow, quick + 1);
}

TEST_F(SharingTest, TheFirstProbeOfOneMayHaveToComeEarlier) {
  int one = 0, two = 0;
  const ProberOptions patient = {absl::Seconds(100), kTimeout, 1};
  ProberOptions hurried = patient;
  hurried.first_within = absl::Milliseconds(10);
  const auto first =
      Make(Counting(&one, absl::Seconds(100)), "tcp 10.0.0.1:80", patient);
  const auto second =
      Make(Counting(&two, absl::Seconds(100)), "tcp 10.0.0.1:80", hurried);
  EXPECT_EQ(counts_.alive, 1);
  timers_->Advance(absl::Milliseconds(10) + SharedProbe::kTakes);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, 1);
  timers_->Advance(absl::Seconds(89));
  EXPECT_EQ(counts_.starts, 1);
}

TEST_F(SharingTest, WhatDiffersIsProbedApart) {
  int results = 0;
  const auto probers = {
      Make(Counting(&results)),
      Make(Counting(&results), "tcp 10.0.0.2:80"),
      Make(Counting(&results), "tcp 10.0.0.1:80", {2 * kInterval, kTimeout, 1}),
      Make(Counting(&results), "tcp 10.0.0.1:80", {kInterval, 2 * kTimeout, 1}),
      Make(Counting(&results), ""),
      Make(Counting(&results), "")};
  EXPECT_EQ(counts_.alive, static_cast<int>(probers.size()));
}

TEST_F(SharingTest, OneThatJoinsDuringAProbeHearsOfItsResult) {
  int one = 0, two = 0;
  const auto first = Make(Counting(&one));
  while (counts_.starts == 0) timers_->Advance(absl::Milliseconds(1));
  const auto second = Make(Counting(&two));
  timers_->Advance(SharedProbe::kTakes);
  EXPECT_EQ(one, 1);
  EXPECT_EQ(two, 1);
}

TEST_F(SharingTest, OnResultMayEndAnyOfThem) {
  std::vector<std::unique_ptr<Prober>> probers(4);
  int results = 0;
  probers[0] = Make([&](const ProbeResult&) {
    ++results;
    probers[0].reset();
    probers[2].reset();
    probers[3] = Make(Counting(&results));
    return kInterval;
  });
  probers[1] = Make(Counting(&results));
  probers[2] = Make(Counting(&results));
  while (results == 0) timers_->Advance(absl::Milliseconds(1));
  EXPECT_EQ(results, 3) << "the second, and the one that joined, hear of it";
  probers.clear();
}

// A probe that answers at once on the thread that starts it, and is shared.
class ImmediateSharedProbe final : public Probe {
 public:
  void Start(absl::Duration, Done done) override { done({true, ""}); }
  ProbeIdentity identity() const override { return {"immediate", nullptr}; }
};

TEST(SharingThreadsTest, ProbersComeAndGoWhileResultsArrive) {
  const auto timers = TimerQueue::Make();
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&timers, i] {
      for (int round = 0; round < 200; ++round) {
        Event first;
        std::atomic<bool> destroyed{false};
        {
          Prober prober({absl::ZeroDuration(), kTimeout, i},
                        std::make_unique<ImmediateSharedProbe>(), timers,
                        [&](const ProbeResult&) {
                          EXPECT_FALSE(destroyed);
                          first.Set();
                          return absl::Microseconds(1);
                        });
          ASSERT_TRUE(first.Await());
        }
        destroyed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ProberTest, InRealTimeNoResultComesAfterTheDestructor) {
  const auto timers = TimerQueue::Make();
  for (int round = 0; round < 100; ++round) {
    Event first;
    std::atomic<bool> destroyed{false};
    {
      Prober prober({absl::ZeroDuration(), kTimeout, 1},
                    std::make_unique<ImmediateProbe>(), timers,
                    [&](const ProbeResult&) {
                      EXPECT_FALSE(destroyed);
                      first.Set();
                      return absl::Microseconds(1);
                    });
      ASSERT_TRUE(first.Await());
    }
    destroyed = true;
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/health/probes/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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

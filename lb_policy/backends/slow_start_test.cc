// BackendHealth::RampAdmits(): the share of calls that a backend gets after it
// has come back.

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {
namespace {

constexpr absl::Duration kSlowStart = absl::Seconds(10);

class ManualClock final : public Clock {
 public:
  int64_t NowNanos() const override { return now_.load(); }
  void Advance(absl::Duration by) {
    now_.fetch_add(absl::ToInt64Nanoseconds(by));
  }

 private:
  std::atomic<int64_t> now_{1'000'000'000'000};
};

// A backend whose slow start takes kSlowStart.
class SlowStartTest : public ::testing::Test {
 protected:
  SlowStartTest()
      : pool_(BackendPool::Create(TimeOf(clock_))),
        lease_(pool_->Acquire("1:1", "1:1")) {
    auto config = std::make_shared<HealthConfig>();
    config->slow_start = kSlowStart;
    health().Configure(std::move(config));
  }

  static PoolTime TimeOf(const Clock& clock) {
    PoolTime time;
    time.clock = &clock;
    return time;
  }
  BackendHealth& health() { return lease_->backend()->health; }
  bool ramping() {
    return (lease_->backend()->load.admission.load() & kRamping) != 0;
  }
  bool Admits(double draw) {
    return health().RampAdmits(draw, clock_.NowNanos());
  }
  void GoAndComeBack() {
    (void)health().MarkUnhealthy("");
    (void)health().MarkHealthy("");
  }

  ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_;
  const std::unique_ptr<BackendPool::Lease> lease_;
};

TEST_F(SlowStartTest, TheShareGrowsFromATenthToAll) {
  EXPECT_FALSE(ramping()) << "a first start is no return";
  GoAndComeBack();
  EXPECT_TRUE(ramping());
  EXPECT_TRUE(Admits(0.09));
  EXPECT_FALSE(Admits(0.11));
  clock_.Advance(kSlowStart / 2);
  EXPECT_TRUE(Admits(0.49));
  EXPECT_FALSE(Admits(0.51));
  EXPECT_TRUE(ramping());
}

TEST_F(SlowStartTest, TheFirstCallAfterTheRampEndsIt) {
  GoAndComeBack();
  clock_.Advance(kSlowStart - absl::Nanoseconds(1));
  EXPECT_FALSE(Admits(0.9999999999));
  EXPECT_TRUE(ramping());
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_TRUE(Admits(0.9999999999));
  EXPECT_FALSE(ramping());
}

TEST_F(SlowStartTest, ATimeFromBeforeTheRampDoesNotEndIt) {
  const int64_t before = clock_.NowNanos();
  clock_.Advance(absl::Seconds(1));
  GoAndComeBack();
  EXPECT_FALSE(health().RampAdmits(0.5, before));
  EXPECT_TRUE(ramping());
}

TEST_F(SlowStartTest, ARampThatIsTurnedOffEnds) {
  GoAndComeBack();
  health().Configure(std::make_shared<const HealthConfig>());
  EXPECT_TRUE(Admits(0.5));
  EXPECT_FALSE(ramping());
}

// One thread's calls end the last ramp again and again while a new one begins.
TEST_F(SlowStartTest, TheEndOfARampDoesNotUndoTheNextOne) {
  GoAndComeBack();
  std::atomic<bool> stopped{false};
  std::atomic<int> rounds{0};
  std::thread calls([&]() {
    while (!stopped.load()) {
      Admits(0.5);
      rounds.fetch_add(1);
    }
  });
  constexpr int kRamps = 200;  // Without the lock, many of them are undone.
  int undone = 0;
  for (int ramp = 0; ramp < kRamps; ++ramp) {
    clock_.Advance(2 * kSlowStart);
    GoAndComeBack();
    // The call that began before the ramp has ended after two rounds.
    const int round = rounds.load();
    while (rounds.load() < round + 2) std::this_thread::yield();
    undone += !ramping();
  }
  stopped.store(true);
  calls.join();
  EXPECT_EQ(undone, 0);
}

}  // namespace
}  // namespace multi_backend

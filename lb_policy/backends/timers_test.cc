// The timers of a backend's health: however often the state changes, at most
// one of each kind waits.

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {
namespace {

class TimersTest : public ::testing::Test {
 protected:
  class TimersClock final : public Clock {
   public:
    explicit TimersClock(const VirtualTimers& timers) : timers_(timers) {}
    int64_t NowNanos() const override {
      return kStart + absl::ToInt64Nanoseconds(timers_.now());
    }

   private:
    static constexpr int64_t kStart = 1'000'000'000'000;
    const VirtualTimers& timers_;
  };

  TimersTest() {
    PoolTime time;
    time.clock = &clock_;
    time.timers = [this] { return timers_; };
    pool_ = BackendPool::Create(time);
    lease_ = pool_->Acquire("1:1", "1:1");
    auto config = std::make_shared<HealthConfig>();
    config->passive.emplace();
    config->passive->unhealthy_after = 1;
    config->passive->overloaded_for = absl::Minutes(10);
    config->passive->down_retry_after = absl::Seconds(1);
    config->passive->max_down_retry_after = absl::Seconds(1);
    health().Configure(std::move(config));
  }
  ~TimersTest() override {
    lease_.reset();
    timers_->Advance(absl::Hours(1));
  }

  BackendHealth& health() { return lease_->backend()->health; }

  const std::shared_ptr<VirtualTimers> timers_ =
      std::make_shared<VirtualTimers>();
  const TimersClock clock_{*timers_};
  std::shared_ptr<BackendPool> pool_;
  std::unique_ptr<BackendPool::Lease> lease_;
};

TEST_F(TimersTest, AnEarlierTimeReplacesTheTimer) {
  for (int round = 0; round < 20; ++round) {
    health().OnCallEnded(AttemptOutcome::kOverloaded, "busy", /*trial=*/0);
    EXPECT_EQ(timers_->pending(), 1u);
    health().OnCallEnded(AttemptOutcome::kFailed, "refused", /*trial=*/0);
    EXPECT_EQ(health().view().state, BackendState::kDown);
    EXPECT_EQ(timers_->pending(), 1u) << round;
    timers_->Advance(absl::Seconds(2));
    EXPECT_EQ(health().view().state, BackendState::kDownRetry);
    pool_->MarkHealthy("1:1");
    EXPECT_EQ(health().view().state, BackendState::kAlive);
    EXPECT_EQ(timers_->pending(), 0u) << round;
  }
}

TEST_F(TimersTest, ATrialReplacesTheTimerOfTheOneBefore) {
  health().OnCallEnded(AttemptOutcome::kFailed, "refused", /*trial=*/0);
  for (int round = 0; round < 20; ++round) {
    timers_->Advance(absl::Seconds(1.2));
    const uint16_t trial = health().TryBeginTrial();
    ASSERT_NE(trial, 0) << round;
    EXPECT_LE(timers_->pending(), 1u) << round;
    health().OnCallEnded(AttemptOutcome::kFailed, "refused", trial);
    EXPECT_LE(timers_->pending(), 2u) << round;
  }
}

}  // namespace
}  // namespace multi_backend

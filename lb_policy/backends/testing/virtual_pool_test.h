// VirtualPoolTest: the fixture of tests with a pool in virtual time, and leases
// as channels take them.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_TESTING_VIRTUAL_POOL_TEST_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_TESTING_VIRTUAL_POOL_TEST_H_

#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/backends/pool_time.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {

class VirtualPoolTest : public ::testing::Test {
 protected:
  using LeasePtr = std::unique_ptr<BackendPool::Lease>;

  explicit VirtualPoolTest(const BackendPoolOptions& options = {})
      : timers_(std::make_shared<VirtualTimers>()) {
    clock_.Set(absl::ToInt64Nanoseconds(absl::Seconds(100)));
    PoolTime time;
    time.clock = &clock_;
    time.timers = [timers = timers_]() { return timers; };
    pool_ = BackendPool::Create(std::move(time), options);
  }

  LeasePtr Acquire(absl::string_view address, absl::string_view name,
                   const LeasePtr& renamed = nullptr) {
    LeasePtr lease = pool_->Acquire(address, name, renamed.get());
    lease->Configure(health_, /*max_requests=*/limit_,
                     []() { return nullptr; });
    return lease;
  }
  LeasePtr Acquire(absl::string_view address) {
    return Acquire(address, address);
  }
  void Advance(absl::Duration by) {
    // The clock goes first: a timer reads it.
    clock_.Advance(by);
    timers_->Advance(by);
  }

  testing::ManualClock clock_;
  const std::shared_ptr<VirtualTimers> timers_;
  std::shared_ptr<BackendPool> pool_;
  // Of the leases that are acquired from now on.
  std::shared_ptr<const HealthConfig> health_ =
      std::make_shared<const HealthConfig>();
  int limit_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_TESTING_VIRTUAL_POOL_TEST_H_

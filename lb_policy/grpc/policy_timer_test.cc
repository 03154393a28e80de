#include "multi_backend/lb_policy/grpc/policy_timer.h"

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/fake_channel.h"
#include "multi_backend/lb_policy/grpc/testing/virtual_time.h"

namespace multi_backend {
namespace {

class PolicyTimerTest : public ::testing::Test {
 protected:
  PolicyTimerTest() { channel_.OnPolicyMade(); }
  ~PolicyTimerTest() override {
    InSerializer([&] { timer_.Cancel(*control_); });
    channel_.OnPolicyShutDown();
  }

  void InSerializer(const std::function<void()>& fn) {
    time_.RunInCore([&] { channel_.serializer()->Run(fn, DEBUG_LOCATION); });
  }
  void RunAt(int64_t at) {
    InSerializer([&] { timer_.RunAt(at, time_.NowNanos(), *control_); });
  }
  // The timers that have neither fired nor been cancelled.
  size_t Running() { return time_.engine_timers(); }

  VirtualTime time_;
  FakeChannel channel_{&time_};
  const std::unique_ptr<FakeChannel::Policy::ChannelControlHelper> control_ =
      channel_.MakeControl();
  // A mailbox that has no receiver any more drops what is raised.
  PolicyTimer timer_{std::make_shared<PolicyMailbox>(nullptr)};
};

TEST_F(PolicyTimerTest, FiresOnceAndStopsWhenToldTo) {
  RunAt(time_.NowNanos() + 10'000'000);
  EXPECT_EQ(Running(), 1u);
  time_.Advance(absl::Milliseconds(20));
  EXPECT_EQ(Running(), 0u);
  RunAt(time_.NowNanos() + 10'000'000);
  RunAt(INT64_MAX);
  EXPECT_EQ(Running(), 0u);
}

// Each call on a full connection may ask for the same time.
TEST_F(PolicyTimerTest, WhatIsDueIsNotPutOff) {
  const int64_t due = time_.NowNanos();
  for (int i = 0; i < 5; ++i) {
    RunAt(due);
    EXPECT_EQ(Running(), 1u);
    time_.Advance(absl::Milliseconds(1));
  }
  EXPECT_EQ(Running(), 0u);
  RunAt(due);
  EXPECT_EQ(Running(), 1u) << "it is still due, so it fires again";
}

}  // namespace
}  // namespace multi_backend

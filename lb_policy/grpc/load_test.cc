// Tests what the ends of attempts tell the strategies about load, and the
// warning about a key that has most of the calls.
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"
#include "multi_backend/port/log.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";

const absl::Status kReset = absl::UnavailableError("reset");

void Connect(PolicyHarness& harness) {
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
}

// Makes `calls` calls, one after the other, of 1 ms each.  Returns how many
// went to `address`.
int CallsOn(PolicyHarness& harness, absl::string_view address, int calls) {
  int on_it = 0;
  for (int i = 0; i < calls; ++i) {
    FakeCall& call = harness.Call();
    on_it += call.backend() == address;
    harness.Advance(absl::Milliseconds(1));
    harness.Finish(call);
    harness.End(call);
  }
  return on_it;
}

// Lets a call that went to `address` live for an hour and end with `status`.
void LiveForAnHour(PolicyHarness& harness, absl::string_view address,
                   bool is_streaming, const absl::Status& status) {
  std::vector<FakeCall*> others;
  FakeCall* call = &harness.Call();
  while (call->backend() != address) {
    others.push_back(call);
    call = &harness.Call();
  }
  for (FakeCall* other : others) {
    harness.Finish(*other);
    harness.End(*other);
  }
  call->context()->is_streaming = is_streaming;
  harness.Advance(absl::Hours(1));
  // The averages of an hour ago have faded.
  ASSERT_GT(CallsOn(harness, address == kA ? kB : kA, 20), 0);
  harness.Finish(*call, status);
  harness.End(*call);
}

class PeakEwmaLatencyTest : public ::testing::Test {
 protected:
  // Both backends are connected and have been measured.
  void SetUp() override {
    Connect(harness_);
    ASSERT_GT(CallsOn(harness_, kA, 50), 0);
  }

  PolicyHarness harness_{R"({"strategy":"PEAK_EWMA"})"};
};

TEST_F(PeakEwmaLatencyTest, AStreamThatEndsIsNoSlowAnswer) {
  LiveForAnHour(harness_, kA, /*is_streaming=*/true, absl::OkStatus());
  EXPECT_GT(CallsOn(harness_, kA, 200), 20);
}

TEST_F(PeakEwmaLatencyTest, AUnaryCallOfAnHourIsASlowAnswer) {
  LiveForAnHour(harness_, kA, /*is_streaming=*/false, absl::OkStatus());
  EXPECT_EQ(CallsOn(harness_, kA, 200), 0);
}

// It counts as a failure, which two minutes make good, and not as an hour.
TEST_F(PeakEwmaLatencyTest, AStreamThatBreaksIsAFailureAndNoSlowAnswer) {
  LiveForAnHour(harness_, kA, /*is_streaming=*/true, kReset);
  EXPECT_EQ(CallsOn(harness_, kA, 200), 0);
  harness_.Advance(absl::Minutes(2));
  EXPECT_GT(CallsOn(harness_, kA, 200), 20);
}

// Calls on kA fail at once; kB always has ten in flight.
TEST(LeastBusyTest, ABackendThatFailsAtOnceGetsNoMoreThanItsShare) {
  PolicyHarness harness(R"({"strategy":"LEAST_BUSY",
      "failover":{"maxRetries":0},"health":{"passive":{"enabled":false}}})");
  Connect(harness);
  std::deque<FakeCall*> running;
  int failed = 0;
  constexpr int kCalls = 1000;
  for (int i = 0; i < kCalls; ++i) {
    FakeCall& call = harness.Call();
    if (call.backend() == kA) {
      ++failed;
      harness.Finish(call, kReset);
      harness.End(call);
      continue;
    }
    running.push_back(&call);
    if (running.size() <= 10) continue;
    harness.Finish(*running.front());
    harness.End(*running.front());
    running.pop_front();
  }
  EXPECT_LE(failed, kCalls * 0.55);
  EXPECT_GE(failed, kCalls * 0.3) << "it has its share";
}

class HotKeyTest : public ::testing::Test {
 protected:
  HotKeyTest() {
    SetLogSink([this](LogSeverity severity, absl::string_view message) {
      if (severity != LogSeverity::kWarning) return;
      messages_.emplace_back(message);
    });
  }
  ~HotKeyTest() override { SetLogSink(nullptr); }

  // Of each ten calls, `hot` have the same key.
  static void Call(PolicyHarness& harness, int calls, int hot) {
    for (int i = 0; i < calls; ++i) {
      FakeCallOptions options;
      options.label.key_hash = i % 10 < hot ? 7 : 1000 + uint64_t{1} * i;
      FakeCall& call = harness.Call(options);
      harness.Finish(call);
      harness.End(call);
    }
  }

  std::vector<std::string> messages_;
};

TEST_F(HotKeyTest, AKeyWithMostOfTheCallsIsWarnedOfOnce) {
  PolicyHarness harness(R"({"strategy":"STICKY"})");
  Connect(harness);
  Call(harness, 2000, 7);
  EXPECT_THAT(messages_,
              ElementsAre(AllOf(
                  HasSubstr("one key has 70 % of the last 1,000 calls of root: "
                            "STICKY cannot spread them"),
                  HasSubstr("loadBound"))));
  // Another plan is the same balancer.
  harness.MarkUnhealthy(kA);
  Call(harness, 4000, 7);
  EXPECT_EQ(messages_.size(), 1u);
}

TEST_F(HotKeyTest, TheVoteGoesOnOverANewPlan) {
  PolicyHarness harness(R"({"strategy":"STICKY"})");
  Connect(harness);
  Call(harness, 1500, 7);
  harness.MarkUnhealthy(kA);
  EXPECT_THAT(messages_, IsEmpty());
  Call(harness, 500, 7);
  EXPECT_EQ(messages_.size(), 1u);
}

TEST_F(HotKeyTest, AnInnerBalancerIsNamedByItsPath) {
  PolicyHarness harness(R"({"strategy":"PRIMARY",
      "members":[{"name":"all","strategy":"STICKY"}]})");
  Connect(harness);
  Call(harness, 2000, 9);
  EXPECT_THAT(messages_, ElementsAre(HasSubstr("calls of root/all: ")));
}

TEST_F(HotKeyTest, NothingIsSaidWhereNoKeyHasMostOfTheCalls) {
  PolicyHarness harness(R"({"strategy":"STICKY"})");
  Connect(harness);
  Call(harness, 4000, 5);
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(HotKeyTest, NothingIsSaidWhereALoadBoundSpreadsTheKey) {
  PolicyHarness harness(R"({"strategy":"STICKY","sticky":{"loadBound":1.25}})");
  Connect(harness);
  Call(harness, 4000, 9);
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(HotKeyTest, RetriesHaveNoSecondVote) {
  PolicyHarness harness(R"({"strategy":"STICKY","failover":{"budget":
      {"ratio":1,"minRetriesPerSecond":10000}}})");
  Connect(harness);
  // Half of the calls have the same key, and all of these are tried twice.
  for (int i = 0; i < 4000; ++i) {
    FakeCallOptions options;
    options.label.key_hash = i % 2 == 0 ? 7 : 1000 + uint64_t{1} * i;
    FakeCall& call = harness.Call(options);
    if (i % 2 == 0) {
      harness.Finish(call, kReset);
      ASSERT_TRUE(harness.Retry(call));
    }
    harness.Finish(call);
    harness.End(call);
  }
  EXPECT_THAT(messages_, IsEmpty());
}

}  // namespace
}  // namespace multi_backend

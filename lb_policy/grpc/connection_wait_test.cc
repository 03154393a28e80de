// Tests calls that find all connections of their backend full: which of them
// wait for another connection, and what ends the wait.
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/growing_pool.h"
#include "multi_backend/lb_policy/grpc/testing/policy_harness.h"

namespace multi_backend {
namespace {

using ::testing::_;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kA[] = "10.0.0.1:80";
constexpr char kB[] = "10.0.0.2:80";

constexpr char kGrowing[] = R"({"pool":{"max":3,"maxStreamsPerConnection":2}})";

// A call on a full connection waits inside gRPC until another call on it ends,
// and cannot move to another connection.  With long streams it would wait
// forever.
TEST(ConnectionWaitTest, CallsThatBeginTogetherWaitForTheConnectionsTheyNeed) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  const std::vector<FakeCall*> calls = harness.CallTogether(6);
  EXPECT_EQ(calls[1]->connection(), &harness.Connection(kA, 0));
  for (int i = 2; i < 6; ++i) EXPECT_EQ(calls[i]->Outcome(), "queued");
  harness.Connect(kA, 1);
  ASSERT_EQ(harness.connections(kA), 3u);
  harness.Connect(kA, 2);
  std::map<const void*, int> streams;
  for (const FakeCall* call : calls) ++streams[call->connection()];
  EXPECT_THAT(streams, UnorderedElementsAre(Pair(_, 2), Pair(_, 2), Pair(_, 2)))
      << "all connections are full";
  EXPECT_TRUE(harness.Call().sent()) << "there can be no further connection";
}

TEST(ConnectionWaitTest, ACallGoesToAFullConnectionWhenOneMoreIsRefused) {
  PolicyHarness harness(kGrowing);
  OpenSecondConnection(harness, kA);
  FakeCall& call = harness.Call();
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Refuse(kA, "too many", 1);
  EXPECT_EQ(call.Outcome(), kA);
  EXPECT_TRUE(harness.Call().sent()) << "no other connection is being opened";
}

TEST(ConnectionWaitTest, ACallGoesToAFullConnectionAfterMaxConnectWait) {
  PolicyHarness harness(R"({"pool":{"max":3,"maxStreamsPerConnection":2},
                            "failover":{"maxConnectWait":"2s"}})");
  OpenSecondConnection(harness, kA);
  FakeCall& call = harness.Call();
  harness.Advance(absl::Milliseconds(1900));
  FakeCall& later = harness.Call();
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Advance(absl::Milliseconds(110));
  EXPECT_EQ(call.Outcome(), kA);
  EXPECT_EQ(later.Outcome(), "queued");
  harness.Advance(absl::Milliseconds(1900));
  EXPECT_EQ(later.Outcome(), kA);
}

TEST(ConnectionWaitTest, NoCallWaitsIfMaxConnectWaitIsZero) {
  PolicyHarness harness(R"({"pool":{"max":3,"maxStreamsPerConnection":2},
                            "failover":{"maxConnectWait":"0s"}})");
  OpenSecondConnection(harness, kA);
  EXPECT_EQ(harness.Call().Outcome(), kA);
}

TEST(ConnectionWaitTest, CallsWaitForAConnectionThatReconnects) {
  PolicyHarness harness(kGrowing);
  OpenSecondConnection(harness, kA);
  harness.Connect(kA, 1);
  harness.Lose(kA, 1);
  FakeCall& call = harness.Call();
  EXPECT_EQ(call.Outcome(), "queued");
  harness.Connect(kA, 1);
  EXPECT_EQ(call.connection(), &harness.Connection(kA, 1));
}

// The policy looks at the connections later than the pick did.
TEST(ConnectionWaitTest, ACallThatWaitsGoesIfStreamsHaveEndedByThen) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  const std::vector<FakeCall*> calls =
      harness.CallTogether(3, [](const std::vector<FakeCall*>& calls) {
        EXPECT_EQ(calls[2]->Outcome(), "queued");
        calls[0]->Finish(absl::OkStatus());
      });
  EXPECT_EQ(calls[2]->Outcome(), kA);
}

TEST(ConnectionWaitTest, ACallThatWaitsTakesTheStreamOfACallThatEnds) {
  PolicyHarness harness(kGrowing);
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  FakeCall& ending = harness.Call();
  harness.Call();
  ASSERT_EQ(harness.connections(kA), 2u);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  harness.Finish(ending);
  EXPECT_EQ(static_cast<int>(first.sent()) + static_cast<int>(second.sent()), 1)
      << first.Outcome() << ", " << second.Outcome();
  harness.Connect(kA, 1);
  EXPECT_TRUE(first.sent() && second.sent());
}

// It would hold up the calls behind it, also those to other backends.
TEST(ConnectionWaitTest, ACallOfABacklogDoesNotWaitForAConnection) {
  PolicyHarness harness(R"({"pool":{"max":3,"maxStreamsPerConnection":2},
      "backlog":{"limit":10,"timeout":"60s"}})");
  OpenSecondConnection(harness, kA);
  EXPECT_EQ(harness.Call().Outcome(), kA);
}

TEST(ConnectionWaitTest, ARetryDoesNotWaitForAConnection) {
  PolicyHarness harness(R"({"pool":{"max":3,"maxStreamsPerConnection":1}})");
  ASSERT_EQ(harness.Update({kA, kB}), absl::OkStatus());
  harness.Connect(kA);
  harness.Connect(kB);
  FakeCall& first = harness.Call();
  FakeCall& second = harness.Call();
  ASSERT_NE(first.backend(), second.backend());
  harness.Finish(first, absl::UnavailableError("reset"));
  ASSERT_TRUE(harness.Retry(first));
  EXPECT_EQ(first.backend(), second.backend());
}

// A backend on trial is told of each call that did not come after all.
TEST(ConnectionWaitTest, ATrialDoesNotWaitForAConnection) {
  const auto config = [](int max_streams) {
    return absl::StrCat(R"({"pool":{"max":3,"maxStreamsPerConnection":)",
                        max_streams,
                        R"(},"health":{"passive":{"downRetryAfter":"1s",
                                  "maxEjectedPercent":100}}})");
  };
  PolicyHarness harness(config(3));
  ASSERT_EQ(harness.Update({kA}), absl::OkStatus());
  harness.Connect(kA);
  harness.Call();
  harness.Call();
  for (int i = 0; i < 3; ++i) {
    harness.Finish(harness.Call(), absl::UnavailableError("reset"));
  }
  ASSERT_EQ(harness.StateOf(kA), "DOWN");
  ASSERT_EQ(harness.UpdateConfig(config(2)), absl::OkStatus());
  ASSERT_EQ(harness.connections(kA), 2u);
  harness.Advance(absl::Seconds(2));
  EXPECT_EQ(harness.Call().Outcome(), kA);
}

}  // namespace
}  // namespace multi_backend

// A backend that stops answering, or whose process dies, while calls are made.

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

class HangingBackendTest : public ::testing::TestWithParam<const char*> {};

TEST_P(HangingBackendTest, NoCallFailsWhenOneOfThreeHangs) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client = UsersClient::Make(
      (*fleet)->StaticTarget(),
      ServiceConfig(absl::StrCat(R"("strategy":")", GetParam(),
                                 R"(","failover":{"perTryTimeout":"0.1s",
                                     "budget":{"ratio":1.0}})")));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  (*fleet)->ResetStats();
  (*fleet)->SetBehaviour(1, Hanging());
  const LoadResult load = RunCalls(**client, /*threads=*/8, /*calls=*/1000);
  EXPECT_EQ(load.calls, 1000);
  EXPECT_EQ(load.failed, 0);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(load.served.count("b1"), 0u);
  EXPECT_GE((*fleet)->CallsOf(1), 1) << "it must have had calls to lose";
  EXPECT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
}

// The default budget has a reserve of 100 retries (10 s at 10 a second), which
// covers every call that the backend can lose here.
TEST_P(HangingBackendTest, NoCallFailsWhileTheDefaultBudgetLasts) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client = UsersClient::Make(
      (*fleet)->StaticTarget(),
      ServiceConfig(absl::StrCat(R"("strategy":")", GetParam(),
                                 R"(","failover":{"perTryTimeout":"0.2s"})")));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  (*fleet)->ResetStats();
  (*fleet)->SetBehaviour(1, Hanging());
  const LoadResult load = RunCalls(**client, /*threads=*/8, /*calls=*/150);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_GE((*fleet)->CallsOf(1), 1) << "it must have had calls to lose";
  EXPECT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
}

INSTANTIATE_TEST_SUITE_P(Strategies, HangingBackendTest,
                         ::testing::Values("ROUND_ROBIN", "LEAST_BUSY",
                                           "PEAK_EWMA"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

// A third of the calls meets the backend, which is more than the default budget
// grants for long.  What is guaranteed is then that a lost attempt is retried
// or ends its call, and that the retries stay within the budget.
TEST(LostBackendTest, TheDefaultBudgetBoundsTheRetriesForABackendThatHangs) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  // So long that only the backend that hangs exceeds it, and that no attempt
  // spends it before it is sent; such an attempt is retried without being lost.
  auto client = UsersClient::Make(
      (*fleet)->StaticTarget(),
      ServiceConfig(R"("failover":{"perTryTimeout":"0.5s"})"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  const auto failures = [&] {
    uint64_t sum = 0;
    for (const std::string& address : (*fleet)->addresses()) {
      sum += (*client)->Backend(address).failures;
    }
    return sum;
  };
  const uint64_t attempts_before = (*client)->Attempts();
  const uint64_t failures_before = failures();
  (*fleet)->SetBehaviour(1, Hanging());
  const absl::Time start = absl::Now();
  constexpr int64_t kCalls = 3000;
  const LoadResult load = RunCalls(**client, /*threads=*/32, kCalls);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  ASSERT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
  const int64_t retries = (*client)->Attempts() - attempts_before - kCalls;
  const int64_t lost = failures() - failures_before;
  EXPECT_EQ(lost, retries + load.failed);
  // 20 % of the calls and 10 a second, for the time of the calls and for the
  // window of 10 s before them.
  EXPECT_LE(retries, 0.2 * kCalls + 10 * (10 + seconds));
  EXPECT_EQ(load.served.count("b1"), 0u);
}

TEST(LostBackendTest, PeakEwmaLearnsFromTheAttemptsThatItGaveUp) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client = UsersClient::Make((*fleet)->StaticTarget(),
                                  ServiceConfig(R"("strategy":"PEAK_EWMA",
                       "health":{"passive":{"enabled":false}},
                       "failover":{"perTryTimeout":"0.2s",
                                   "budget":{"ratio":1.0}})"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  (*fleet)->SetBehaviour(1, Hanging());
  (*fleet)->ResetStats();
  // One call at a time: calls in flight do not count against the backend, only
  // the time that a finished call took.
  const LoadResult load = RunCalls(**client, /*threads=*/1, /*calls=*/200);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_LE((*fleet)->CallsOf(1), 8);
}

// A frozen process keeps its connections open, so only the timeout detects it.
TEST(LostBackendTest, NoCallFailsWhenOneOfThreeIsStopped) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client =
      UsersClient::Make((*fleet)->StaticTarget(),
                        ServiceConfig(R"("failover":{"perTryTimeout":"0.1s",
                                   "budget":{"ratio":1.0}})"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  (*fleet)->server(2).Stop();
  const uint64_t before = (*client)->Backend((*fleet)->address(2)).calls;
  const LoadResult load = RunCalls(**client, /*threads=*/8, /*calls=*/300);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_GT((*client)->Backend((*fleet)->address(2)).calls, before);
  (*fleet)->server(2).Continue();
  EXPECT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
}

// Core starts perTryTimeout's timer before the call has a backend, and lets it
// fire when the call is finally sent.
TEST(LostBackendTest, ACallThatHasWaitedLongerThanPerTryTimeoutIsServed) {
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  ChannelOptions options;
  options.service_config_json =
      ServiceConfig(R"("failover":{"perTryTimeout":"0.2s",
                       "budget":{"ratio":0,"minRetriesPerSecond":0}})");
  options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  auto client = UsersClient::Make((*fleet)->StaticTarget(), std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));
  (*fleet)->server(0).Kill();
  ASSERT_TRUE((*client)->AwaitHealth((*fleet)->address(0), false));
  const uint64_t failures = (*client)->Backend((*fleet)->address(0)).failures;
  UsersCall call;
  call.wait_for_ready = true;
  PendingCall pending(**client, call);
  // This wait is what the test checks.
  const absl::Time waited = absl::Now() + absl::Milliseconds(400);
  ASSERT_TRUE(WaitUntil([&]() { return absl::Now() > waited; }));
  ASSERT_FALSE(pending.done());
  const absl::Status restarted = (*fleet)->server(0).Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_TRUE(pending.Wait().ok()) << pending.Wait().ToString();
  EXPECT_EQ((*client)->Backend((*fleet)->address(0)).failures, failures)
      << "the backend was not slow";
}

// How the backend ends: by SIGKILL, or by SIGTERM as in a rolling restart.
class EndingBackendTest : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Ends, EndingBackendTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Killed" : "Terminated";
                         });

TEST_P(EndingBackendTest, NoCallIsLostWhenOneOfThreeEndsTwentyTimes) {
  const bool is_killed = GetParam();
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  ChannelOptions options;
  options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  options.args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  auto client = UsersClient::Make((*fleet)->StaticTarget(), std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  // With more threads a killed backend often fails three calls in a row and is
  // left out for a while, which makes the rounds long.
  BackgroundLoad load(**client, /*threads=*/is_killed ? 4 : 8);
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    const size_t victim = round % 3;
    const std::string& address = (*fleet)->address(victim);
    // Wait until the backend is in use in this round.
    const uint64_t calls_before = (*client)->Backend(address).calls;
    ASSERT_TRUE(WaitUntil([&]() {
      return (*client)->Backend(address).calls > calls_before + 10;
    }));
    if (is_killed) {
      (*fleet)->server(victim).Kill();
    } else {
      const absl::Status ended = (*fleet)->server(victim).Terminate();
      ASSERT_TRUE(ended.ok()) << ended;
    }
    ASSERT_TRUE((*client)->AwaitHealth(address, false));
    const int64_t calls_without = load.calls();
    ASSERT_TRUE(WaitUntil([&]() { return load.calls() > calls_without + 20; }));
    const absl::Status restarted = (*fleet)->server(victim).Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    ASSERT_TRUE((*client)->AwaitHealth(address, true));
  }
  const LoadResult result = load.Stop();
  EXPECT_EQ(result.failed, 0) << "of " << result.calls;
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_TRUE(WaitUntil([&]() { return (*client)->IsIdle(); }));
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/lb_policy/failover/attempt_log.h"

#include <type_traits>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Newest = AttemptLog::Newest;

static_assert(std::is_trivially_destructible<AttemptLog>::value,
              "it lives in an arena that runs no destructors");

TEST(AttemptLogTest, ANewCallHasNoAttemptsAndNothingTried) {
  AttemptLog log;
  EXPECT_EQ(log.attempts(), 0);
  EXPECT_TRUE(log.tried().empty());
  EXPECT_FALSE(log.IsTransparentRetry());
  EXPECT_EQ(log.last_status(), nullptr);
  EXPECT_EQ(log.OnDecided(), Newest::kNone);
}

TEST(AttemptLogTest, AttemptsAreNumberedAndTheirBackendsAreTried) {
  AttemptLog log;
  EXPECT_EQ(log.OnStarted(7), 1);
  EXPECT_EQ(log.OnStarted(9), 2);
  EXPECT_EQ(log.attempts(), 2);
  EXPECT_EQ(log.last_backend(), 9u);
  EXPECT_TRUE(log.tried().Contains(7));
  EXPECT_TRUE(log.tried().Contains(9));
  EXPECT_EQ(log.tried().size(), 2u);
}

TEST(AttemptLogTest, TheOldestBackendIsForgottenWhenThereAreTooMany) {
  AttemptLog log;
  for (uint32_t id = 1; id <= TriedBackends::kCapacity + 1; ++id) {
    log.OnStarted(id);
  }
  EXPECT_FALSE(log.tried().Contains(1));
  for (uint32_t id = 2; id <= TriedBackends::kCapacity + 1; ++id) {
    EXPECT_TRUE(log.tried().Contains(id)) << id;
  }
}

TEST(AttemptLogTest, ANewAttemptWithoutAQuestionIsATransparentRetry) {
  AttemptLog log;
  log.OnStarted(1);
  EXPECT_TRUE(log.IsTransparentRetry());
  log.OnDecided();
  EXPECT_FALSE(log.IsTransparentRetry());
  log.OnStarted(2);
  EXPECT_TRUE(log.IsTransparentRetry());
}

TEST(AttemptLogTest, OnlyARetrysWaitForAConnectionIsBounded) {
  AttemptLog log;
  EXPECT_EQ(log.ConnectWaitUntil(100, 10), INT64_MAX) << "no answer yet";
  log.OnStarted(1);
  EXPECT_EQ(log.ConnectWaitUntil(100, 10), INT64_MAX) << "transparent";
  log.OnDecided();
  EXPECT_EQ(log.ConnectWaitUntil(200, 10), 210);
  EXPECT_EQ(log.ConnectWaitUntil(205, 10), 210) << "from the first time on";
  log.OnStarted(2);
  log.OnDecided();
  EXPECT_EQ(log.ConnectWaitUntil(300, 10), 310) << "for each retry";
}

TEST(AttemptLogTest, AFirstAttemptMayWaitForAnotherConnectionWithABound) {
  AttemptLog log;
  EXPECT_EQ(log.BoundedConnectWaitUntil(100, 10), 110);
  EXPECT_EQ(log.BoundedConnectWaitUntil(105, 10), 110);
  log.OnStarted(1);
  EXPECT_EQ(log.BoundedConnectWaitUntil(200, 10), 210);
}

TEST(AttemptLogTest, TheQuestionIsAnsweredOncePerAttempt) {
  AttemptLog log;
  log.OnStarted(1);
  EXPECT_EQ(log.OnDecided(), Newest::kOpen);
  // Core asks again before anything was sent if perTryTimeout ends the wait.
  EXPECT_EQ(log.OnDecided(), Newest::kNone);
}

TEST(AttemptLogTest, TheEndOfTheNewestAttemptCounts) {
  const absl::Status failed = absl::UnavailableError("gone");
  const absl::Status refused = absl::InvalidArgumentError("no");
  AttemptLog log;
  log.OnStarted(1);
  log.OnFailed(1, &failed, /*retriable=*/true);
  EXPECT_EQ(log.last_status(), &failed);
  EXPECT_EQ(log.OnDecided(), Newest::kRetriable);
  log.OnStarted(2);
  log.OnFailed(2, &refused, /*retriable=*/false);
  EXPECT_EQ(log.last_status(), &refused);
  EXPECT_EQ(log.OnDecided(), Newest::kFailed);
}

TEST(AttemptLogTest, AnAttemptThatWasGivenUpSaysNothingMore) {
  const absl::Status cancelled = absl::CancelledError("timed out");
  AttemptLog log;
  log.OnStarted(1);
  log.OnDecided();
  log.OnStarted(2);
  log.OnFailed(1, &cancelled, /*retriable=*/true);
  EXPECT_EQ(log.last_status(), nullptr);
  EXPECT_EQ(log.OnDecided(), Newest::kOpen);
}

TEST(AttemptLogTest, AFailedPickIsForgottenWhenAnAttemptStarts) {
  AttemptLog log;
  log.OnPickFailed();
  EXPECT_TRUE(log.pick_failed());
  log.OnStarted(1);
  EXPECT_FALSE(log.pick_failed());
}

TEST(AttemptLogTest, AVoidedAttemptLeavesItsBackendUntried) {
  AttemptLog log;
  log.OnStarted(1);
  log.OnStarted(2);
  log.VoidNewest();
  EXPECT_TRUE(log.tried().Contains(1));
  EXPECT_FALSE(log.tried().Contains(2));
  EXPECT_FALSE(log.IsVoid(1));
  EXPECT_TRUE(log.IsVoid(2));
  EXPECT_EQ(log.OnStarted(2), 3);
  EXPECT_FALSE(log.IsVoid(3));
}

TEST(AttemptLogTest, OnlyGrantedRetriesCount) {
  AttemptLog log;
  log.OnStarted(1);
  log.OnStarted(1);
  EXPECT_EQ(log.retries_granted(), 0);
  log.OnRetryGranted();
  EXPECT_EQ(log.retries_granted(), 1);
}

}  // namespace
}  // namespace multi_backend

// The trail of a call, in each situation that a call may meet, is what the real
// servers saw.

#include "multi_backend/tests/testing/trail_test.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/observability.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/hostile_server.h"
#include "multi_backend/tests/testing/http2_frames.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGenerous[] =
    R"("budget":{"ratio":1,"minRetriesPerSecond":1000})";

std::string WithFailover(absl::string_view failover) {
  return absl::StrCat(R"("strategy":"PRIMARY","failover":{)", failover, "}");
}

// --- One attempt ------------------------------------------------------------

TEST_F(TrailTest, AnsweredAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b0 OK answered, done"));
  EXPECT_EQ(trail.method, "/examples.users.v1.Users/GetUser");
  EXPECT_EQ(trail.attempts[0].chosen_by, ChosenBy::kStrategy);
  EXPECT_EQ(trail.attempts[0].retried, Retried::kFirst);
  EXPECT_THAT(trail.attempts[0].passed_over, IsEmpty());
  const absl::Duration age = absl::Now() - trail.start;
  EXPECT_GE(age, absl::ZeroDuration());
  EXPECT_LE(age, kTestTimeout);
}

TEST_F(TrailTest, AStatusThatIsNotRetriable) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, Failing("NOT_FOUND"));
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail),
              ElementsAre("b0 NOT_FOUND answered, this end is not retriable"));
  EXPECT_EQ(trail.attempts[0].message, "backend b0 was told to fail");
}

TEST_F(TrailTest, CancelledInFlight) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, Hanging());
  Started call(*this);
  ASSERT_TRUE(WaitUntil([this]() { return fleet_->CallsOf(0) == 1; }));
  call.Cancel();
  EXPECT_THAT(Steps(call.WaitAndCheck()),
              ElementsAre("b0 CANCELLED sent, no answer, the caller gave up"));
}

// --- Failover ---------------------------------------------------------------

TEST_F(TrailTest, AFailureIsRetriedElsewhere) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, Failing());
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b0 UNAVAILABLE answered, retried",
                                        "b1 OK answered, done"));
  EXPECT_EQ(trail.attempts[1].retried, Retried::kDifferentBackend);
  EXPECT_THAT(PassedOverIn(trail.attempts[1]), ElementsAre("b0 tried before"));
  EXPECT_GE(trail.attempts[1].started_after,
            trail.attempts[0].started_after + trail.attempts[0].latency);
}

TEST_F(TrailTest, AllFailed) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, WithFailover(absl::StrCat(R"("maxRetries":4,)", kGenerous))));
  for (size_t i = 0; i < 2; ++i) fleet_->SetBehaviour(i, Failing());
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail),
              ElementsAre("b0 UNAVAILABLE answered, retried",
                          "b1 UNAVAILABLE answered, no other backend"));
  EXPECT_EQ(trail.last_step, NextStep::kNoOtherBackend);
}

TEST_F(TrailTest, TheRetriesAreUsedUp) {
  for (const int max_retries : {0, 1}) {
    ASSERT_NO_FATAL_FAILURE(
        Start({{"b0", "", {}}, {"b1", "", {}}, {"b2", "", {}}},
              WithFailover(absl::StrCat(R"("maxRetries":)", max_retries, ",",
                                        kGenerous))));
    for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Failing());
    const CallTrail trail = Trail();
    EXPECT_EQ(trail.attempts_made, max_retries + 1);
    EXPECT_EQ(trail.last_step, NextStep::kRetriesUsedUp);
  }
}

TEST_F(TrailTest, TheBudgetIsEmpty) {
  ASSERT_NO_FATAL_FAILURE(Start(
      kTwo, WithFailover(R"("budget":{"ratio":0,"minRetriesPerSecond":0})")));
  fleet_->SetBehaviour(0, Failing());
  EXPECT_THAT(
      Steps(Trail()),
      ElementsAre("b0 UNAVAILABLE answered, the retry budget is empty"));
}

TEST_F(TrailTest, TheRouteForbidsRetries) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, kPrimary,
            R"("routes":[{"match":{"method":"Get.*"},"retry":"NEVER"}])"));
  fleet_->SetBehaviour(0, Failing());
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail),
              ElementsAre("b0 UNAVAILABLE answered, the route forbids it"));
  EXPECT_EQ(trail.route, "Get.* -> any");
}

TEST_F(TrailTest, APushBackForbids) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, PushingBack("-1"));
  EXPECT_THAT(
      Steps(Trail()),
      ElementsAre("b0 UNAVAILABLE answered, this end is not retriable"));
}

TEST_F(TrailTest, APushBackDelays) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->SetBehaviour(0, PushingBack("200"));
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b0 UNAVAILABLE answered, retried",
                                        "b1 OK answered, done"));
  // Core's clock counts whole milliseconds, so a timer of 200 may end after 199
  // and a fraction.
  EXPECT_GT(trail.attempts[1].started_after, absl::Milliseconds(199));
}

TEST_F(TrailTest, AnAttemptRunsIntoItsTimeout) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, WithFailover(R"("perTryTimeout":"0.3s")")));
  fleet_->SetBehaviour(0, Hanging());
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail),
              ElementsAre("b0 DEADLINE_EXCEEDED sent, no answer, retried",
                          "b1 OK answered, done"));
  EXPECT_GE(trail.attempts[0].latency, absl::Milliseconds(150));
}

TEST_F(TrailTest, TheLastAttemptRunsIntoItsTimeout) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, WithFailover(R"("maxRetries":0,"perTryTimeout":"0.3s")")));
  fleet_->SetBehaviour(0, Hanging());
  UsersCall call;
  call.timeout = absl::Seconds(2);
  EXPECT_EQ(Trail(call).attempts_made, 1);
}

// --- Connections ------------------------------------------------------------

TEST_F(TrailTest, ARefusedConnectionIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  fleet_->server(0).Kill();
  // The channel may take a moment to notice.
  ASSERT_TRUE(WaitUntil([this]() {
    ledger_->Clear();
    client_->Call();
    return ledger_->attempts().size() == 1;
  }));
  Forget();
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 not connected"));
}

// Beside a HostileServer, which the channel prefers.
class HostileTrailTest : public TrailTest {
 protected:
  void StartBeside(Hostility hostility, const std::string& policy = kPrimary) {
    hostile_ = std::make_unique<HostileServer>(std::move(hostility));
    auto fleet = BackendFleet::Start({{"b0", "", {}}});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    ASSERT_NO_FATAL_FAILURE(Open(absl::StrCat("static:///", hostile_->address(),
                                              ",", fleet_->address(0)),
                                 policy));
    const std::vector<std::string> addresses = {hostile_->address(),
                                                fleet_->address(0)};
    for (const std::string& address : addresses) {
      ASSERT_NO_FATAL_FAILURE(Connect(address, addresses));
    }
    Forget();
  }

  std::unique_ptr<HostileServer> hostile_;
};

// A gRPC server ends a call at its deadline, too, and its answer may come
// first.  This one says nothing.
TEST_F(HostileTrailTest, TheDeadlinePassesInFlight) {
  ASSERT_NO_FATAL_FAILURE(StartBeside({"silent", nullptr}));
  const int64_t before = hostile_->requests();
  UsersCall call;
  call.timeout = absl::Seconds(1);
  EXPECT_THAT(Steps(Trail(call)),
              ElementsAre("other DEADLINE_EXCEEDED sent, no answer, "
                          "the caller gave up"));
  EXPECT_EQ(hostile_->requests(), before + 1);
}

TEST_F(HostileTrailTest, ResetBeforeTheFirstByte) {
  ASSERT_NO_FATAL_FAILURE(
      StartBeside({"reset",
                   [](uint32_t stream) {
                     // CANCEL
                     return http2::FrameOf(http2::kRstStream, 0, stream,
                                           http2::BigEndian(8, 4));
                   }},
                  WithFailover(R"("retriableStatusCodes":["UNAVAILABLE",
                  "CANCELLED","INTERNAL"])")));
  const int64_t before = hostile_->requests();
  const CallTrail trail = Trail();
  EXPECT_EQ(hostile_->requests(), before + 1);
  ASSERT_EQ(trail.attempts_made, 2) << trail.ToString();
  EXPECT_EQ(trail.attempts[0].sent, Sent::kMaybe);
  EXPECT_EQ(trail.attempts[0].address, hostile_->address());
  EXPECT_EQ(trail.attempts[1].status, StatusCode::kOk);
}

TEST_F(HostileTrailTest, ResetAfterTheFirstByte) {
  ASSERT_NO_FATAL_FAILURE(
      StartBeside({"headers, then reset", [](uint32_t stream) {
                     return absl::StrCat(
                         http2::Headers(stream,
                                        {{":status", "200"},
                                         {"content-type", "application/grpc"}},
                                        http2::kEndHeaders),
                         http2::FrameOf(http2::kRstStream, 0, stream,
                                        http2::BigEndian(2, 4)));
                   }}));
  const CallTrail trail = Trail();
  ASSERT_EQ(trail.attempts_made, 1) << trail.ToString();
  EXPECT_NE(trail.attempts[0].status, StatusCode::kOk);
  EXPECT_EQ(trail.attempts[0].sent, Sent::kMaybe);
  EXPECT_EQ(trail.last_step, NextStep::kNotRetriable);
}

// This GOAWAY says that the server has not seen the call, so core sends it
// again without asking.
TEST_F(HostileTrailTest, ACallThatTheServerHasNotSeenIsReplayed) {
  ASSERT_NO_FATAL_FAILURE(StartBeside(
      {"goaway", [](uint32_t) {
         return http2::FrameOf(http2::kGoAway, 0, 0, std::string(8, '\0'));
       }}));
  // The channel connects again after each.
  CallTrail trail;
  ASSERT_TRUE(WaitUntil([&]() {
    Forget();
    trail = Trail();
    return trail.attempts[0].address == hostile_->address();
  }));
  EXPECT_EQ(trail.attempts[0].next, NextStep::kReplayed) << trail.ToString();
  EXPECT_EQ(trail.attempts.back().status, StatusCode::kOk);
}

// --- Waiting ----------------------------------------------------------------

constexpr char kPatient[] =
    R"("backlog":{"limit":1,"timeout":"25s","overloadTimeout":"25s"})";

TEST_F(TrailTest, AWaitInTheBacklogThenAnAnswer) {
  ASSERT_NO_FATAL_FAILURE(Start(kOne, kPatient));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  Started call(*this);
  client_->pool().MarkHealthy(fleet_->address(0));
  const CallTrail trail = call.WaitAndCheck();
  EXPECT_THAT(Steps(trail), ElementsAre("b0 OK answered, done"));
  EXPECT_GT(trail.attempts[0].waited_in_backlog, absl::ZeroDuration());
  EXPECT_EQ(trail.waited_in_backlog, trail.attempts[0].waited_in_backlog);
  EXPECT_THAT(trail.ToString(), HasSubstr("in the backlog"));
}

TEST_F(TrailTest, ABacklogRefuses) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kOne, R"("backlog":{"timeout":"0.3s","overloadTimeout":"25s"})"));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  const CallTrail trail = Trail();
  EXPECT_EQ(trail.status, StatusCode::kDeadlineExceeded);
  EXPECT_THAT(trail.attempts, IsEmpty());
  EXPECT_GE(trail.waited_in_backlog, absl::Milliseconds(290));
  EXPECT_EQ(trail.last_step, NextStep::kNoOtherBackend);
  EXPECT_THAT(trail.ToString(), HasSubstr("the call was never sent"));
}

TEST_F(TrailTest, CancelledInTheQueue) {
  ASSERT_NO_FATAL_FAILURE(Start(kOne, kPatient));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  Started call(*this);
  call.Cancel();
  const CallTrail trail = call.WaitAndCheck();
  EXPECT_EQ(trail.status, StatusCode::kCancelled);
  EXPECT_THAT(trail.attempts, IsEmpty());
  EXPECT_GT(trail.waited_in_backlog, absl::ZeroDuration());
  EXPECT_EQ(trail.last_step, NextStep::kCallerGaveUp);
}

TEST_F(TrailTest, TheDeadlinePassesInTheQueue) {
  ASSERT_NO_FATAL_FAILURE(Start(kOne, kPatient));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  Started call(*this, absl::Milliseconds(200));
  const CallTrail trail = call.WaitAndCheck();
  EXPECT_EQ(trail.status, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(trail.last_step, NextStep::kCallerGaveUp);
}

TEST_F(TrailTest, NoBackendIsUsable) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, ""));
  for (size_t i = 0; i < 2; ++i) {
    client_->pool().MarkUnhealthy(fleet_->address(i));
  }
  const CallTrail trail = Trail();
  EXPECT_EQ(trail.status, StatusCode::kUnavailable);
  EXPECT_THAT(trail.attempts, IsEmpty());
  EXPECT_EQ(trail.waited_in_pick, absl::ZeroDuration());
  EXPECT_EQ(trail.last_step, NextStep::kNoOtherBackend);
}

// The only backend is out of use until the deadline has passed.
TEST_F(TrailTest, ACallThatIsReadyToWaitWaitsInThePick) {
  ASSERT_NO_FATAL_FAILURE(Start(kOne, ""));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  UsersCall call;
  call.wait_for_ready = true;
  call.timeout = absl::Milliseconds(300);
  const CallTrail trail = Trail(call);
  EXPECT_EQ(trail.status, StatusCode::kDeadlineExceeded);
  EXPECT_GE(trail.waited_in_pick, absl::Milliseconds(200));
  EXPECT_EQ(trail.last_step, NextStep::kCallerGaveUp);
}

TEST_F(TrailTest, AFullBackendIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, absl::StrCat(kPrimary, R"(,"maxRequestsPerBackend":1)")));
  fleet_->SetBehaviour(0, Hanging());
  Started held(*this);
  ASSERT_TRUE(WaitUntil([this]() { return fleet_->CallsOf(0) == 1; }));
  Started second(*this);
  const CallTrail trail = second.Wait();
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 full"));
  held.Cancel();
  EXPECT_EQ(held.Wait().attempts_made, 1);
}

// --- States, weights and roles ----------------------------------------------

TEST_F(TrailTest, ABackendThatIsDownIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 down"));
}

TEST_F(TrailTest, ABackendOfWeightZeroIsPassedOver) {
  auto fleet = BackendFleet::Start(kTwo);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  fleet_ = *std::move(fleet);
  ASSERT_NO_FATAL_FAILURE(
      Open("static:///",
           absl::StrCat(R"("backends":[{"address":")", fleet_->address(0),
                        R"(","weight":0},{"address":")", fleet_->address(1),
                        R"("}])")));
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1)}));
  Forget();
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 draining"));
}

TEST_F(TrailTest, ADrainedBackendIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, kPrimary));
  ASSERT_TRUE(client_->pool().Drain(fleet_->address(0)).ok());
  const CallTrail trail = Trail();
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 draining"));
}

// Most calls do not go to a backend whose share has only begun to grow.
TEST_F(TrailTest, ABackendInSlowStartIsPassedOver) {
  ASSERT_NO_FATAL_FAILURE(Start(
      kTwo, absl::StrCat(kPrimary, R"(,"health":{"slowStart":"3600s"})")));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  client_->pool().MarkHealthy(fleet_->address(0));
  CallTrail trail;
  ASSERT_TRUE(WaitUntil([&]() {
    Forget();
    trail = Trail();
    return trail.attempts[0].address == fleet_->address(1);
  }));
  EXPECT_THAT(Steps(trail), ElementsAre("b1 OK answered, done"));
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 in slow start"));
}

TEST_F(TrailTest, ATrialIsTold) {
  ASSERT_NO_FATAL_FAILURE(Start(
      kTwo, absl::StrCat(kPrimary, R"(,"health":{"passive":{"unhealthyAfter":1,
                             "downRetryAfter":"0.2s"}})")));
  fleet_->SetBehaviour(0, Failing());
  EXPECT_EQ(Trail().attempts_made, 2);
  fleet_->SetBehaviour(0, Succeeding());
  CallTrail trail;
  ASSERT_TRUE(WaitUntil([&]() {
    Forget();
    trail = Trail();
    if (trail.attempts[0].address == fleet_->address(0)) return true;
    EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("b0 down"));
    return false;
  }));
  EXPECT_THAT(Steps(trail), ElementsAre("b0 OK answered, done"));
  EXPECT_EQ(trail.attempts[0].chosen_by, ChosenBy::kTrial);
}

TEST_F(TrailTest, PanicIsTold) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kTwo, R"("health":{"panicThreshold":100,"active":{"interval":"0.1s",
      "unhealthyAfter":1}})"));
  for (size_t i = 0; i < 2; ++i) fleet_->SetBehaviour(i, NotServing());
  ASSERT_TRUE(WaitUntil([this]() {
    for (const BackendSnapshot& backend : client_->pool().GetAllBackends()) {
      if (backend.healthy) return false;
    }
    return true;
  }));
  CallTrail trail;
  EXPECT_TRUE(WaitUntil([&]() {
    ledger_->Clear();
    client_->Call();
    trail = ledger_->trails()[0];
    return trail.attempts_made == 1 &&
           trail.attempts[0].chosen_by == ChosenBy::kPanic;
  })) << trail.ToString();
}

const std::vector<BackendSpec> kRoles{
    {"p", "primary", {}}, {"r0", "replica", {}}, {"r1", "replica", {}}};

TEST_F(TrailTest, OtherRolesArePassedOver) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kRoles, "",
            R"("routes":[{"match":{"method":"Create.*"},"role":"primary"}])"));
  UsersCall write;
  write.method = "CreateUser";
  const CallTrail trail = Trail(write);
  EXPECT_THAT(Steps(trail), ElementsAre("p OK answered, done"));
  EXPECT_EQ(trail.route, "Create.* -> primary");
  EXPECT_EQ(trail.role, "primary");
  EXPECT_EQ(trail.attempts[0].role, "primary");
  EXPECT_THAT(PassedOverIn(trail.attempts[0]),
              ElementsAre("r0 of another role", "r1 of another role"));
}

TEST_F(TrailTest, TheFallbackTakesTheCallOfARoleThatIsAway) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kRoles, "",
            R"("routes":[{"match":{"method":"Create.*"},"role":"primary",
                      "whenUnavailable":"replica"}])"));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  UsersCall write;
  write.method = "CreateUser";
  const CallTrail trail = Trail(write);
  ASSERT_EQ(trail.attempts_made, 1) << trail.ToString();
  EXPECT_EQ(trail.attempts[0].role, "replica");
  EXPECT_EQ(trail.attempts[0].chosen_by, ChosenBy::kFallback);
  EXPECT_EQ(trail.route, "Create.* -> primary, else replica");
  EXPECT_THAT(PassedOverIn(trail.attempts[0]), ElementsAre("p down"));
}

TEST_F(TrailTest, ARoleThatIsAwayFailsTheCall) {
  ASSERT_NO_FATAL_FAILURE(
      Start(kRoles, "",
            R"("routes":[{"match":{"method":"Create.*"},"role":"primary"}])"));
  client_->pool().MarkUnhealthy(fleet_->address(0));
  UsersCall write;
  write.method = "CreateUser";
  const CallTrail trail = Trail(write);
  EXPECT_EQ(trail.status, StatusCode::kUnavailable);
  EXPECT_THAT(trail.attempts, IsEmpty());
  EXPECT_EQ(trail.role, "primary");
}

TEST_F(TrailTest, TheStickyKeyChooses) {
  ASSERT_NO_FATAL_FAILURE(Start(kTwo, R"("strategy":"STICKY")",
                                R"("stickyKey":{"header":"x-key"})"));
  UsersCall call;
  call.metadata = {{"x-key", "one"}};
  EXPECT_EQ(Trail(call).attempts[0].chosen_by, ChosenBy::kStickyKey);
  Forget();
  EXPECT_EQ(Trail().attempts[0].chosen_by, ChosenBy::kStrategy);
}

}  // namespace
}  // namespace multi_backend

// A backend that answers in a broken or malicious way, beside a good one.  The
// process lives, each call ends, and calls on the good backend do not notice.

#include "multi_backend/tests/testing/hostile_server.h"

#include <atomic>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/hostilities.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {

// Names the row in GoogleTest's output.
void PrintTo(const Hostility& hostility, std::ostream* out) {
  *out << hostility.name;
}

namespace {

using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Ends calls to a server that never answers.
constexpr absl::Duration kCallTimeout = absl::Seconds(2);

// Everything that reads what a backend sends is on.  No number of failures
// takes the hostile backend out.
std::string EverythingOn() {
  return ServiceConfig(
      R"("failover":{"perTryTimeout":"0.5s",
                     "retriableStatusCodes":["UNAVAILABLE","INTERNAL"],
                     "budget":{"ratio":1,"minRetriesPerSecond":10000}},
         "health":{"active":{"interval":"0.1s","timeout":"0.1s",
                             "unhealthyAfter":1000},
                   "passive":{"unhealthyAfter":1000},
                   "slowStart":"0.01s"},
         "pool":{"min":1,"max":2},
         "backlog":{"timeout":"1s"})",
      R"("routes":[{"match":{"method":"Create.*"},"retry":"NEVER"}],
         "stickyKey":{"header":"x-key"})");
}

class HostileServerTest : public ::testing::TestWithParam<Hostility> {
 protected:
  static void SetUpTestSuite() {
    auto fleet = BackendFleet::Start(1);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    good_ = fleet->release();
  }
  static void TearDownTestSuite() {
    delete good_;
    good_ = nullptr;
  }

  static std::string GoodTarget() {
    return absl::StrCat("static:///", good_->address(0));
  }
  static std::string TargetWith(const HostileServer& hostile) {
    return absl::StrCat(GoodTarget(), ",", hostile.address());
  }

  static BackendFleet* good_;
};

BackendFleet* HostileServerTest::good_ = nullptr;

// Makes one call of each kind.  Returns how many succeeded.
int CallEachKind(UsersClient& client) {
  int succeeded = 0;
  for (const char* const method : {"GetUser", "CreateUser"}) {
    UsersCall call;
    call.method = method;
    call.timeout = kCallTimeout;
    const CallOutcome outcome = client.Call(call);
    succeeded += outcome.ok();
    // The good backend names itself in every answer.
    if (!outcome.ok()) {
      EXPECT_EQ(outcome.answered_by, "") << outcome.ToString();
    }
    EXPECT_LT(outcome.took, kCallTimeout + kTestTimeout) << outcome.ToString();
  }
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  ListUsersRequest request;
  request.set_count(2);
  const auto reader = client.stub().ListUsers(&context, request);
  UserReply reply;
  while (reader->Read(&reply)) {
  }
  return succeeded + reader->Finish().ok();
}

TEST_P(HostileServerTest, EndsNoProcessAndHurtsNoOtherBackend) {
  constexpr int kThreads = 4;
  HostileServer hostile(GetParam());
  // Without perTryTimeout, which a busy machine may exceed.
  auto innocent = UsersClient::Make(GoodTarget(), ServiceConfig(""));
  ASSERT_TRUE(innocent.ok()) << innocent.status();
  auto client = UsersClient::Make(TargetWith(hostile), EverythingOn());
  ASSERT_TRUE(client.ok()) << client.status();
  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&client, &succeeded] {
      for (int j = 0; j < 2; ++j) succeeded += CallEachKind(**client);
    });
  }
  EXPECT_THAT(RunCalls(**innocent, /*threads=*/2, /*calls=*/20).failures,
              IsEmpty());
  for (std::thread& thread : threads) thread.join();
  // One of the two may have ended all of these calls before the channel was
  // connected to the other one.
  EXPECT_TRUE(WaitUntil([&] {
    if (succeeded > 0 && hostile.accepted() > 0) return true;
    succeeded += CallEachKind(**client);
    return false;
  })) << succeeded
      << " calls succeeded, " << hostile.accepted()
      << " connections to the hostile one";
}

// The first request is one that the server has not seen, so gRPC makes another
// attempt without asking.  That one is never answered.
TEST(ReplayedAttemptTest, HasItsTimeoutToo) {
  Hostility unseen;
  unseen.answer = [](uint32_t) { return http2::GoAway(0, 0, "not seen"); };
  const Hostility silent;
  // The server asks for each connection and for each request.
  int asked = 0;
  HostileServer server(
      [&]() -> const Hostility& { return asked++ == 1 ? unseen : silent; });
  auto client = UsersClient::Make(
      absl::StrCat("static:///", server.address()),
      ServiceConfig(R"("failover":{"perTryTimeout":"0.2s"})"));
  ASSERT_TRUE(client.ok()) << client.status();
  const CallOutcome outcome = (*client)->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(outcome.status.error_message(), HasSubstr("perTryTimeout"));
  EXPECT_LT(outcome.took, kTestTimeout / 2);
  EXPECT_EQ(server.requests(), 2);
}

INSTANTIATE_TEST_SUITE_P(Rows, HostileServerTest,
                         ::testing::ValuesIn(AllHostilities()),
                         [](const auto& info) { return info.param.name; });

class MissingStatusTest : public HostileServerTest {};

TEST_P(MissingStatusTest, IsUnknownWithAText) {
  HostileServer hostile(GetParam());
  auto client = UsersClient::Make(absl::StrCat("static:///", hostile.address()),
                                  ServiceConfig(""));
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < 6; ++i) {
    const CallOutcome outcome = (*client)->Call();
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNKNOWN)
        << outcome.ToString();
    EXPECT_THAT(outcome.status.error_message(),
                HasSubstr("without a grpc-status"));
  }
  EXPECT_EQ(hostile.requests(), 6);
}

INSTANTIATE_TEST_SUITE_P(Rows, MissingStatusTest,
                         ::testing::Values(NoStatusHostility()),
                         [](const auto& info) { return info.param.name; });

Hostility HostilityNamed(absl::string_view name) {
  for (Hostility& hostility : AllHostilities()) {
    if (hostility.name == name) return hostility;
  }
  ADD_FAILURE() << "there is no " << name;
  return Hostility();
}

// The client turns it into UNKNOWN, but has not made it.
TEST(UnheardOfStatusTest, IsTheServersAnswerAndMayBeRetried) {
  HostileServer hostile(HostilityNamed("StatusSeventeen"));
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client = UsersClient::Make(
      absl::StrCat("static:///", hostile.address(), ",", (*fleet)->address(0)),
      ServiceConfig(R"("failover":{"retriableStatusCodes":["UNKNOWN"],
                                   "budget":{"minRetriesPerSecond":1000}})"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(WaitUntil([&] {
    EXPECT_TRUE((*client)->Call().ok());
    return hostile.requests() >= 3;
  }));
}

TEST(GoAwayAtOnceTest, TheBackendIsNotConnectedAgainAndAgain) {
  // Three attempts come at once, and then one each after at least 0.8, 1.28 and
  // 2.05 seconds and so on: ten take more than half a minute.  Without the
  // waits there would be thousands in this time.
  constexpr absl::Duration kTime = absl::Seconds(3);
  constexpr int64_t kAttempts = 10;
  HostileServer hostile(GoAwayAtOnceHostility());
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto client = UsersClient::Make(
      absl::StrCat("static:///", (*fleet)->address(0), ",", hostile.address()),
      ServiceConfig(""));
  ASSERT_TRUE(client.ok()) << client.status();
  for (const absl::Time end = absl::Now() + kTime; absl::Now() < end;) {
    const CallOutcome outcome = (*client)->Call();
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  }
  EXPECT_GE(hostile.accepted(), 3);
  EXPECT_LE(hostile.accepted(), kAttempts);
  EXPECT_TRUE(WaitUntil([&client, &hostile] {
    return absl::StrContains((*client)->Backend(hostile.address()).reason,
                             "connections ended at once");
  }));
}

}  // namespace
}  // namespace multi_backend

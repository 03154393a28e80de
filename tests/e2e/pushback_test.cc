// A server controls retries by the trailer grpc-retry-pushback-ms of a failure.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

// Calls go to b0, which pushes back, and may then go to b1, which works.
class PushbackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(2);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    auto client = UsersClient::Make(
        fleet_->StaticTarget(),
        ServiceConfig(
            absl::StrCat(kFailedCallsDoNotCount, R"(,"strategy":"PRIMARY")")));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->ConnectTo({fleet_->address(0)}));
  }

  CallOutcome CallWithPushback(const std::string& millis,
                               absl::Duration timeout = kTestTimeout) {
    fleet_->SetBehaviour(0, PushingBack(millis));
    fleet_->ResetStats();
    UsersCall call;
    call.timeout = timeout;
    return client_->Call(call);
  }

  void ExpectNoRetry(const CallOutcome& outcome) {
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(outcome.status.error_message(), "backend b0 was told to fail");
    EXPECT_EQ(fleet_->CallsOf(0), 1);
    EXPECT_EQ(fleet_->CallsOf(1), 0);
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(PushbackTest, TheRetryComesNoEarlierThanAsked) {
  for (int millis : {50, 300}) {
    const CallOutcome outcome = CallWithPushback(absl::StrCat(millis));
    EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
    EXPECT_GE(outcome.took, absl::Milliseconds(millis));
    EXPECT_EQ(fleet_->CallsOf(0), 1);
  }
}

TEST_F(PushbackTest, ZeroMeansAtOnce) {
  EXPECT_EQ(CallWithPushback("0").served_by, "b1");
}

TEST_F(PushbackTest, LongerThanTheCallHasMeansNoRetry) {
  const CallOutcome outcome = CallWithPushback("8000", absl::Seconds(5));
  ExpectNoRetry(outcome);
  EXPECT_LT(outcome.took, absl::Seconds(4)) << "it must not wait for nothing";
}

TEST_F(PushbackTest, LongerThanThirtySecondsMeansNoRetry) {
  ExpectNoRetry(CallWithPushback("30001", absl::Minutes(5)));
}

TEST_F(PushbackTest, NegativeMeansNoRetry) {
  ExpectNoRetry(CallWithPushback("-1"));
}

// gRPC's own servers send "do not retry" as a negative number.
TEST_F(PushbackTest, GarbageMeansNoRetry) {
  ExpectNoRetry(CallWithPushback("soon"));
}

TEST_F(PushbackTest, IsForTheCallThatGotItOnly) {
  ExpectNoRetry(CallWithPushback("-1"));
  fleet_->SetBehaviour(0, Failing());
  EXPECT_EQ(client_->Call().served_by, "b1");
}

}  // namespace
}  // namespace multi_backend

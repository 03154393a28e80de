// Failover and the backlog on channels that gRPC's own functions make, with
// this library's resolver and with gRPC's: the servers say where each attempt
// of each call went.

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/started_call.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PlainFailoverTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Connects to three backends by grpc::CreateCustomChannel.
  void Start(const std::string& policy) {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start({dump_.Record({"b0", "", {}}),
                                      dump_.Record({"b1", "", {}}),
                                      dump_.Record({"b2", "", {}})});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    grpc::ChannelArguments args;
    args.SetServiceConfigJSON(
        ServiceConfig(absl::StrCat(kFailedCallsDoNotCount, ",", policy)));
    const std::string target = GetParam() == std::string("static")
                                   ? fleet_->StaticTarget()
                                   : fleet_->Ipv4Target();
    stub_ = Users::NewStub(grpc::CreateCustomChannel(
        target, grpc::InsecureChannelCredentials(), args));
    std::set<std::string> served;
    ASSERT_TRUE(WaitUntil([&] {
      std::string by;
      if (Call("connect", &by).ok()) served.insert(by);
      return served.size() == fleet_->size();
    }));
    fleet_->ResetStats();
  }

  grpc::Status Call(const std::string& id, std::string* served_by = nullptr) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    context.AddMetadata(kCallIdKey, id);
    UserReply reply;
    const grpc::Status status =
        stub_->GetUser(&context, GetUserRequest(), &reply);
    if (served_by != nullptr) *served_by = reply.served_by();
    return status;
  }

  std::unique_ptr<StartedCall> StartCall(const std::string& id) {
    StartedCall::Options options;
    options.id = id;
    return std::make_unique<StartedCall>(*stub_, options);
  }

  // The backends that the attempts of call `id` reached, in order.
  std::vector<std::string> TrailOf(const std::string& id) const {
    std::vector<std::string> trail;
    const auto calls = dump_.ByCall(*fleet_);
    for (const SeenAttempt& attempt : calls.at(id)) {
      trail.push_back(attempt.backend);
    }
    return trail;
  }

  int64_t InFlight() {
    int64_t sum = 0;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      sum += fleet_->Stats(i).in_flight();
    }
    return sum;
  }

  const MetadataDump dump_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<Users::Stub> stub_;
};

TEST_P(PlainFailoverTest, ACallThatFailsGoesToABackendThatItHasNotTried) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("failover":{"budget":{"ratio":1}})"));
  fleet_->SetBehaviour(1, Failing());
  std::map<std::string, std::string> served;
  for (int i = 0; i < 150; ++i) {
    const std::string id = absl::StrCat("call-", i);
    const grpc::Status status = Call(id, &served[id]);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  int64_t retried = 0;
  for (const auto& attempts : dump_.ByCall(*fleet_)) {
    const auto call = served.find(attempts.first);
    if (call == served.end()) continue;  // It has made a connection.
    SCOPED_TRACE(call->first);
    const std::vector<std::string> trail = TrailOf(call->first);
    EXPECT_NE(call->second, "b1");
    if (trail.size() == 1) {
      EXPECT_EQ(trail[0], call->second);
    } else {
      ++retried;
      EXPECT_THAT(trail, ElementsAre("b1", call->second));
    }
  }
  EXPECT_EQ(retried, fleet_->CallsOf(1));
  EXPECT_GE(retried, 1);
  EXPECT_EQ(fleet_->TotalCalls(), 150 + retried);
}

TEST_P(PlainFailoverTest, EachBackendIsTriedOnceWhenAllFail) {
  ASSERT_NO_FATAL_FAILURE(Start(
      R"("failover":{"maxRetries":4,"budget":{"minRetriesPerSecond":1000}})"));
  for (size_t i = 0; i < fleet_->size(); ++i) {
    fleet_->SetBehaviour(i, Failing());
  }
  constexpr int kCalls = 20;
  for (int i = 0; i < kCalls; ++i) {
    const std::string id = absl::StrCat("call-", i);
    const grpc::Status status = Call(id);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    const std::vector<std::string> trail = TrailOf(id);
    ASSERT_EQ(trail.size(), 3u);
    EXPECT_EQ(std::set<std::string>(trail.begin(), trail.end()).size(), 3u);
    EXPECT_EQ(status.error_message(),
              absl::StrCat("backend ", trail.back(), " was told to fail"));
  }
}

TEST_P(PlainFailoverTest, CallsWaitInTheBacklogUntilABackendHasRoom) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("maxRequestsPerBackend":1,
               "backlog":{"limit":2,"timeout":"25s"})"));
  for (size_t i = 0; i < fleet_->size(); ++i) {
    fleet_->SetBehaviour(i, Hanging());
  }
  std::vector<std::unique_ptr<StartedCall>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(StartCall(absl::StrCat("running-", i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return InFlight() == 3; }));
  for (int i = 0; i < 2; ++i) {
    calls.push_back(StartCall(absl::StrCat("waiting-", i)));
  }
  const grpc::Status refused = Call("refused");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(),
              HasSubstr("the call was never sent: 2 calls are waiting already "
                        "(backlog.limit)"));
  EXPECT_EQ(fleet_->TotalCalls(), 3) << "the others wait in the client";
  for (const auto& call : calls) EXPECT_FALSE(call->done());
  for (size_t i = 0; i < fleet_->size(); ++i) {
    fleet_->SetBehaviour(i, Succeeding());
  }
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
  }
  EXPECT_EQ(TrailOf("waiting-0").size(), 1u);
  EXPECT_EQ(TrailOf("waiting-1").size(), 1u);
  EXPECT_EQ(dump_.ByCall(*fleet_).count("refused"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Targets, PlainFailoverTest,
                         ::testing::Values("static", "ipv4"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace multi_backend

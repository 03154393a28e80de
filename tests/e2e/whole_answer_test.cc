// The caller sees the last backend's whole answer: status, message, error
// details and trailers, on every way to make a channel, with and without a
// backlog.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/intercepted_channel.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr char kDetails[] = "twenty bytes, binary";

enum class Way { kCreateChannel, kPlain, kInterceptor };

struct Case {
  const char* name;
  Way way;
  const char* policy;  // Further members of multi_backend.
};

const Case kCases[] = {
    {"CreateChannel", Way::kCreateChannel, ""},
    {"CreateChannelWithBacklog", Way::kCreateChannel, R"(,"backlog":{})"},
    {"Plain", Way::kPlain, ""},
    {"PlainWithBacklog", Way::kPlain, R"(,"backlog":{})"},
    {"Interceptor", Way::kInterceptor, ""},
    {"InterceptorWithBacklog", Way::kInterceptor, R"(,"backlog":{})"},
};

class WholeAnswerTest : public ::testing::TestWithParam<Case> {
 protected:
  void Start(size_t backends, const std::string& policy) {
    auto fleet = BackendFleet::Start(backends);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    const std::string json = ServiceConfig(
        absl::StrCat(kFailedCallsDoNotCount, R"(,"strategy":"ROUND_ROBIN")",
                     GetParam().policy, policy));
    std::shared_ptr<grpc::Channel> channel;
    ASSERT_NO_FATAL_FAILURE(MakeChannel(json, channel));
    stub_ = Users::NewStub(channel);
    ASSERT_TRUE(channel->WaitForConnected(
        absl::ToChronoTime(absl::Now() + kTestTimeout)));
    // Until every backend is connected.
    ASSERT_TRUE(WaitUntil([this]() {
      grpc::ClientContext context;
      UserReply reply;
      stub_->GetUser(&context, GetUserRequest(), &reply);
      for (size_t i = 0; i < fleet_->size(); ++i) {
        if (fleet_->CallsOf(i) == 0) return false;
      }
      return true;
    }));
    fleet_->ResetStats();
  }

  void MakeChannel(const std::string& json,
                   std::shared_ptr<grpc::Channel>& channel) {
    const std::string target = fleet_->StaticTarget();
    if (GetParam().way == Way::kCreateChannel) {
      ChannelOptions options;
      options.service_config_json = json;
      auto made = CreateChannel(target, grpc::InsecureChannelCredentials(),
                                std::move(options));
      ASSERT_TRUE(made.ok()) << made.status();
      channel = *made;
      return;
    }
    const absl::Status registered = Register();
    ASSERT_TRUE(registered.ok()) << registered;
    grpc::ChannelArguments args;
    args.SetServiceConfigJSON(json);
    if (GetParam().way == Way::kPlain) {
      channel = grpc::CreateCustomChannel(
          target, grpc::InsecureChannelCredentials(), args);
      return;
    }
    auto factory = MakeInterceptorFactory(json);
    ASSERT_TRUE(factory.ok()) << factory.status();
    channel = InterceptedChannel(target, *std::move(factory), args);
  }

  void SetAll(examples::users::v1::Behaviour behaviour) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      fleet_->SetBehaviour(i, behaviour);
    }
  }

  static examples::users::v1::Behaviour FailingWithDetails(
      const std::string& code) {
    examples::users::v1::Behaviour behaviour = Failing(code);
    behaviour.set_fail_details(kDetails);
    return behaviour;
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  }

  static void ExpectWhole(const grpc::Status& status,
                          const grpc::ClientContext& context,
                          grpc::StatusCode code) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(status.error_details(), kDetails);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto served_by = trailers.find("served-by");
    ASSERT_NE(served_by, trailers.end());
    EXPECT_EQ(status.error_message(),
              absl::StrCat("backend ",
                           absl::string_view(served_by->second.data(),
                                             served_by->second.size()),
                           " was told to fail"));
    EXPECT_EQ(trailers.count("served-by"), 1u) << "of one backend only";
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<Users::Stub> stub_;
};

INSTANTIATE_TEST_SUITE_P(Ways, WholeAnswerTest, ::testing::ValuesIn(kCases),
                         [](const ::testing::TestParamInfo<Case>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(WholeAnswerTest, OfTheLastBackendWhenAllFail) {
  ASSERT_NO_FATAL_FAILURE(Start(2, ""));
  SetAll(FailingWithDetails("UNAVAILABLE"));
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    SetDeadline(context);
    UserReply reply;
    const grpc::Status status =
        stub_->GetUser(&context, GetUserRequest(), &reply);
    ExpectWhole(status, context, grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(fleet_->TotalCalls(), 20) << "each call tried both";
}

// Core lets a pick fail with few codes only.
TEST_P(WholeAnswerTest, WithACodeThatNoPickMayHave) {
  ASSERT_NO_FATAL_FAILURE(
      Start(2, R"(,"failover":{"retriableStatusCodes":["ABORTED"]})"));
  SetAll(FailingWithDetails("ABORTED"));
  grpc::ClientContext context;
  SetDeadline(context);
  UserReply reply;
  ExpectWhole(stub_->GetUser(&context, GetUserRequest(), &reply), context,
              grpc::StatusCode::ABORTED);
  EXPECT_EQ(fleet_->TotalCalls(), 2);
}

TEST_P(WholeAnswerTest, OfAStream) {
  ASSERT_NO_FATAL_FAILURE(Start(2, ""));
  SetAll(FailingWithDetails("UNAVAILABLE"));
  grpc::ClientContext context;
  SetDeadline(context);
  auto stream = stub_->ListUsers(&context, ListUsersRequest());
  UserReply reply;
  EXPECT_FALSE(stream->Read(&reply));
  ExpectWhole(stream->Finish(), context, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(fleet_->TotalCalls(), 2);
}

TEST_P(WholeAnswerTest, OfABidirectionalStream) {
  ASSERT_NO_FATAL_FAILURE(Start(2, ""));
  SetAll(FailingWithDetails("UNAVAILABLE"));
  grpc::ClientContext context;
  SetDeadline(context);
  auto stream = stub_->WatchUsers(&context);
  stream->WritesDone();
  UserReply reply;
  EXPECT_FALSE(stream->Read(&reply));
  ExpectWhole(stream->Finish(), context, grpc::StatusCode::UNAVAILABLE);
}

TEST_P(WholeAnswerTest, NamesPerTryTimeoutWhenThatEndsTheCall) {
  ASSERT_NO_FATAL_FAILURE(Start(1, R"(,"failover":{"perTryTimeout":"0.1s"})"));
  SetAll(Hanging());
  grpc::ClientContext context;
  SetDeadline(context);
  UserReply reply;
  const grpc::Status status =
      stub_->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "the call's last attempt ran into failover.perTryTimeout, and no "
            "further retry was allowed");
}

}  // namespace
}  // namespace multi_backend

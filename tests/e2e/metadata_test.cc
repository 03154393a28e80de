// None of this library's metadata reaches a server.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using examples::users::v1::CreateUserRequest;
using examples::users::v1::GetUserRequest;
using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// A primary and two replicas record what they receive; reads are sticky, and
// writes are routed.
class MetadataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet =
        BackendFleet::Start({dump_.Record({"primary", "primary", {}}),
                             dump_.Record({"replica1", "replica", {}}),
                             dump_.Record({"replica2", "replica", {}})});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    std::string backends;
    for (size_t i = 0; i < 3; ++i) {
      absl::StrAppend(&backends, i == 0 ? "" : ",", R"({"address":")",
                      fleet_->address(i), R"(","role":")", fleet_->role(i),
                      "\"}");
    }
    auto client = UsersClient::Make(
        "static:///",
        ServiceConfig(
            absl::StrCat(R"("roles":{"replica":{"strategy":"STICKY"}},
                "failover":{"budget":{"ratio":1.0,
                                      "minRetriesPerSecond":1000}},
                "backends":[)",
                         backends, "]"),
            R"("routes":[{"match":{"method":"Create.*"},"role":"primary"},
                         {"match":{"method":"Get.*"},"role":"replica"}],
               "stickyKey":{"header":"x-key"})"));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // Returns the attempts that all backends have seen.
  std::vector<SeenAttempt> Seen() const {
    std::vector<SeenAttempt> all;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      for (SeenAttempt& attempt : dump_.Of(fleet_->name(i))) {
        all.push_back(std::move(attempt));
      }
    }
    return all;
  }

  static std::vector<std::string> ReservedKeys(
      const std::vector<SeenAttempt>& attempts) {
    std::vector<std::string> keys;
    for (const SeenAttempt& attempt : attempts) {
      for (const auto& entry : attempt.metadata) {
        if (absl::StartsWith(entry.first, "mb-")) keys.push_back(entry.first);
      }
    }
    return keys;
  }

  const MetadataDump dump_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

UsersCall MixedCall(int64_t index) {
  UsersCall call;
  const char* const methods[] = {"CreateUser", "GetUser", "FindUser"};
  call.method = methods[index % 3];
  call.metadata = {{"x-key", absl::StrCat("user-", index)}};
  return call;
}

TEST_F(MetadataTest, NoServerSeesAKeyOfOurs) {
  EXPECT_THAT(RunCalls(*client_, 2, 150, MixedCall).failures, IsEmpty());
  fleet_->SetBehaviour(1, Failing());  // From now on some calls are retried.
  EXPECT_THAT(RunCalls(*client_, 2, 150, MixedCall).failures, IsEmpty());
  const std::vector<SeenAttempt> seen = Seen();
  EXPECT_GT(seen.size(), 300u);
  bool any_retried = false;
  for (const SeenAttempt& attempt : seen) any_retried |= attempt.number > 1;
  EXPECT_TRUE(any_retried);
  EXPECT_THAT(ReservedKeys(seen), IsEmpty());
}

TEST_F(MetadataTest, TheApplicationsOwnMetadataArrivesOnEachAttempt) {
  fleet_->SetBehaviour(1, Failing());
  UsersCall call;
  call.metadata = {{"x-key", "k"}, {"x-two", "1"}, {"x-two", "2"}, {"mb", "x"}};
  for (int i = 0; i < 10; ++i) {
    call.metadata[0].second = absl::StrCat("user-", i);
    EXPECT_TRUE(client_->Call(call).ok());
  }
  const std::vector<SeenAttempt> seen = Seen();
  EXPECT_GE(seen.size(), 10u);
  for (const SeenAttempt& attempt : seen) {
    EXPECT_THAT(attempt.metadata, Contains(Pair("x-two", "1")));
    EXPECT_THAT(attempt.metadata, Contains(Pair("x-two", "2")));
    EXPECT_THAT(attempt.metadata, Contains(Pair("mb", "x")));
  }
}

// Metadata that an application may forge.
std::vector<std::pair<std::string, std::string>> Forgeries() {
  CallLabel replica;
  replica.role = "replica";
  const std::string genuine =
      EncodeCallLabel(EncodeCallLabelPrefix(replica), absl::nullopt);
  std::string other_process = genuine;
  other_process[0] = other_process[0] == '0' ? '1' : '0';
  return {{"mb-call-bin", genuine},
          {"mb-call-bin", other_process},
          {"mb-call-bin", "garbage"},
          {"mb-call-bin", ""},
          {"mb-call-bin", std::string(5000, 'x')},
          {"mb-role", "replica"},
          {"mb-", "x"},
          {"mb-call", "x"}};
}

TEST_F(MetadataTest, AForgedLabelChangesNothingAndStaysHere) {
  UsersCall call;
  call.method = "CreateUser";
  for (const auto& forgery : Forgeries()) {
    call.metadata = {forgery};
    const CallOutcome outcome = client_->Call(call);
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
    EXPECT_EQ(outcome.served_by, "primary")
        << forgery.first << " = " << forgery.second;
  }
  call.metadata = Forgeries();
  EXPECT_EQ(client_->Call(call).served_by, "primary");
  EXPECT_EQ(fleet_->CallsOf(1) + fleet_->CallsOf(2), 0);
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

TEST_F(MetadataTest, AForgedLabelDoesNotHinderTheStickyKey) {
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1), fleet_->address(2)}));
  UsersCall call;
  call.metadata = {{"x-key", "somebody"}};
  const std::string home = client_->Call(call).served_by;
  for (const auto& forgery : Forgeries()) {
    call.metadata = {{"x-key", "somebody"}, forgery};
    EXPECT_EQ(client_->Call(call).served_by, home) << forgery.first;
  }
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

// Without routes there is no interceptor.  The config selector still removes
// the label, and ignores one that another process made.
TEST_F(MetadataTest, WithoutRoutesALabelFromOutsideIsNotFollowedEither) {
  auto plain = UsersClient::Make(fleet_->StaticTarget(), ServiceConfig(""));
  ASSERT_TRUE(plain.ok()) << plain.status();
  for (const auto& forgery : Forgeries()) {
    if (forgery.first != kCallLabelKey) continue;
    // A label that this process made is not a forgery here.
    if (DecodeCallLabel(forgery.second).has_value()) continue;
    UsersCall call;
    call.metadata = {forgery};
    const CallOutcome outcome = (*plain)->Call(call);
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  }
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

// A channel whose LB policy or resolver is not this library's has no config
// selector that removes the label.
class ForeignChannelTest : public MetadataTest {
 protected:
  // `routing`: the members of multiBackend, for an interceptor made by hand.
  static std::unique_ptr<Users::Stub> LabelledStub(
      const std::string& target, const std::string& routing,
      const grpc::ChannelArguments& args) {
    auto factory = MakeInterceptorFactory(ServiceConfig("", routing));
    EXPECT_TRUE(factory.ok()) << factory.status();
    std::vector<
        std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
        interceptors;
    interceptors.push_back(*std::move(factory));
    return Users::NewStub(
        grpc::experimental::CreateCustomChannelWithInterceptors(
            target, grpc::InsecureChannelCredentials(), args,
            std::move(interceptors)));
  }

  static grpc::ChannelArguments WithConfig(const std::string& json) {
    grpc::ChannelArguments args;
    args.SetServiceConfigJSON(json);
    return args;
  }

  static void Prepare(grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    context.AddMetadata(kCallIdKey, "call");
    context.AddMetadata("x-key", "somebody");
  }

  static grpc::Status Get(Users::Stub& stub) {
    grpc::ClientContext context;
    Prepare(context);
    UserReply reply;
    return stub.GetUser(&context, GetUserRequest(), &reply);
  }
  static grpc::Status Create(Users::Stub& stub) {
    grpc::ClientContext context;
    Prepare(context);
    UserReply reply;
    return stub.CreateUser(&context, CreateUserRequest(), &reply);
  }
  static grpc::Status List(Users::Stub& stub) {
    grpc::ClientContext context;
    Prepare(context);
    return stub.ListUsers(&context, ListUsersRequest())->Finish();
  }
  static grpc::Status Watch(Users::Stub& stub) {
    grpc::ClientContext context;
    Prepare(context);
    const auto stream = stub.WatchUsers(&context);
    UserReply reply;
    EXPECT_FALSE(stream->Read(&reply));
    return stream->Finish();
  }

  struct Foreign {
    std::string name;
    std::string target;
    grpc::ChannelArguments args;
  };
  std::vector<Foreign> ForeignChannels() const {
    const std::string round_robin =
        R"({"loadBalancingConfig":[{"round_robin":{}}]})";
    const std::string with_retries =
        R"({"loadBalancingConfig":[{"round_robin":{}}],
            "methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,
              "initialBackoff":"0.001s","maxBackoff":"0.01s",
              "backoffMultiplier":2,
              "retryableStatusCodes":["UNAVAILABLE","INTERNAL"]}}]})";
    return {
        {"pick_first", fleet_->Ipv4Target(), {}},
        {"round_robin", fleet_->Ipv4Target(), WithConfig(round_robin)},
        {"retries", fleet_->Ipv4Target(), WithConfig(with_retries)},
        {"our target", fleet_->StaticTarget(), WithConfig(round_robin)},
    };
  }
};

TEST_F(ForeignChannelTest, NoServerSeesTheLabel) {
  for (const Foreign& foreign : ForeignChannels()) {
    SCOPED_TRACE(foreign.name);
    auto stub = LabelledStub(foreign.target, R"("stickyKey":{"header":"x-key"},
        "routes":[{"match":{"method":"Create.*"},"retry":"NEVER"}])",
                             foreign.args);
    for (const grpc::Status& status : {Get(*stub), Create(*stub)}) {
      EXPECT_TRUE(status.ok()) << status.error_message();
    }
  }
  EXPECT_EQ(Seen().size(), 8u);
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

TEST_F(ForeignChannelTest, ACallThatARouteSendsToARoleFailsWithTheReason) {
  for (const Foreign& foreign : ForeignChannels()) {
    SCOPED_TRACE(foreign.name);
    auto stub = LabelledStub(foreign.target, R"("routes":[
        {"match":{"method":"(Create|List|Watch).*"},"role":"primary"}])",
                             foreign.args);
    for (const grpc::Status& status :
         {Create(*stub), List(*stub), Watch(*stub)}) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
      EXPECT_THAT(
          status.error_message(),
          AllOf(HasSubstr("a route sends this call to role \"primary\""),
                HasSubstr("does not use multi_backend")));
    }
    EXPECT_TRUE(Get(*stub).ok());  // The channel goes on working.
  }
  for (const SeenAttempt& attempt : Seen()) {
    EXPECT_EQ(attempt.method, "GetUser");
  }
  EXPECT_THAT(ReservedKeys(Seen()), IsEmpty());
}

TEST_F(ForeignChannelTest, TheLogSaysItOnceForEachTarget) {
  absl::Mutex mutex;
  std::vector<std::string> errors;
  SetLogSink([&](LogSeverity severity, absl::string_view message) {
    if (severity != LogSeverity::kError) return;
    absl::MutexLock lock(&mutex);
    errors.emplace_back(message);
  });
  auto stub = LabelledStub(fleet_->Ipv4Target(), R"("routes":[
      {"match":{"method":"Create.*"},"role":"primary"}])",
                           {});
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Create(*stub).ok());
  SetLogSink(nullptr);
  absl::MutexLock lock(&mutex);
  EXPECT_THAT(errors, ElementsAre(AllOf(HasSubstr(fleet_->Ipv4Target()),
                                        HasSubstr("to role \"primary\""))));
}

// A channel to a server in the same process has neither resolver nor LB policy.
TEST_F(ForeignChannelTest, ADirectChannelKeepsTheLabelToo) {
  class Service final : public Users::Service {
   public:
    grpc::Status GetUser(grpc::ServerContext* context, const GetUserRequest*,
                         UserReply*) override {
      if (context->client_metadata().count(std::string(kCallLabelKey)) > 0) {
        label_seen = true;
      }
      return grpc::Status::OK;
    }
    std::atomic<bool> label_seen{false};
  };
  Service service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  auto factory = MakeInterceptorFactory(
      ServiceConfig("", R"("stickyKey":{"header":"x-key"},
          "routes":[{"match":{"method":"Create.*"},"role":"primary"}])"));
  ASSERT_TRUE(factory.ok()) << factory.status();
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(*std::move(factory));
  auto stub =
      Users::NewStub(server->experimental().InProcessChannelWithInterceptors(
          {}, std::move(interceptors)));
  EXPECT_TRUE(Get(*stub).ok());
  EXPECT_FALSE(service.label_seen);
  EXPECT_EQ(Create(*stub).error_code(), grpc::StatusCode::INTERNAL);
}

}  // namespace
}  // namespace multi_backend

// Metadata: what reaches a server, and what is refused before.

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/intercepted_channel.h"
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
    auto client = UsersClient::Make(
        "static:///",
        ServiceConfig(
            absl::StrCat(R"("roles":{"replica":{"strategy":"STICKY"}},
                "failover":{"budget":{"ratio":1.0,
                                      "minRetriesPerSecond":1000}},)",
                         fleet_->BackendsField()),
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

  // The number of attempts that carried the library's own entry.
  static int Labelled(const std::vector<SeenAttempt>& attempts) {
    int labelled = 0;
    for (const SeenAttempt& attempt : attempts) {
      for (const auto& entry : attempt.metadata) {
        labelled += entry.first == kCallLabelKey;
      }
    }
    return labelled;
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
  EXPECT_EQ(Labelled(seen), 0);
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

// Values of the library's key that no interceptor of this process has written.
std::vector<std::string> ForgedLabels() {
  CallLabel replica;
  replica.role = "replica";
  std::string other_process =
      EncodeCallLabel(EncodeCallLabelPrefix(replica), absl::nullopt);
  other_process[0] = other_process[0] == '0' ? '1' : '0';
  return {other_process, "garbage", "", std::string(5000, 'x')};
}

TEST_F(MetadataTest, AForgedLabelIsRefused) {
  // On this channel and on one without routes.
  auto plain = UsersClient::Make(fleet_->StaticTarget(), ServiceConfig(""));
  ASSERT_TRUE(plain.ok()) << plain.status();
  for (UsersClient* const client : {client_.get(), plain->get()}) {
    for (const std::string& forged : ForgedLabels()) {
      UsersCall call;
      call.metadata = {{"mb-call-bin", forged}};
      const CallOutcome outcome = client->Call(call);
      EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
          << outcome.ToString();
      EXPECT_THAT(outcome.status.error_message(),
                  HasSubstr("metadata key \"mb-call-bin\" is reserved"));
    }
  }
  EXPECT_THAT(Seen(), IsEmpty());
}

// gRPC makes this channel, without the interceptor.
TEST_F(MetadataTest, AForgedLabelIsRefusedWithoutTheInterceptorToo) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  const auto stub = Users::NewStub(grpc::CreateCustomChannel(
      fleet_->Ipv4Target(), grpc::InsecureChannelCredentials(), args));
  std::vector<std::pair<std::string, std::string>> entries;
  for (const std::string& forged : ForgedLabels()) {
    entries.emplace_back("mb-call-bin", forged);
  }
#if GRPC_CPP_VERSION_MINOR == 51
  // Later releases do not abort on it, and deliver it.
  entries.emplace_back("grpclb_client_stats", "gRPC aborts on it");
#endif
  for (const auto& entry : entries) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    context.AddMetadata(entry.first, entry.second);
    UserReply reply;
    const grpc::Status status = stub->GetUser(&context, {}, &reply);
    // The only code for this that gRPC lets a config selector use.
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(status.error_message(),
                HasSubstr(absl::StrCat("metadata key \"", entry.first,
                                       "\" is reserved")));
  }
  EXPECT_THAT(Seen(), IsEmpty());
}

// gRPC reads these keys itself.
TEST_F(MetadataTest, KeysOfGrpcWithOddValuesEndNoProcess) {
  for (const char* key : {"te",
                          "host",
                          "user-agent",
                          "content-type",
                          "content-length",
                          "grpc-timeout",
                          "grpc-encoding",
                          "grpc-accept-encoding",
                          "grpc-internal-encoding-request",
                          "grpc-status",
                          "grpc-message",
                          "grpc-previous-rpc-attempts",
                          "grpc-retry-pushback-ms",
                          "grpc-trace-bin",
                          "grpc-tags-bin",
                          "grpc-server-stats-bin",
                          "lb-token",
                          "lb-cost-bin",
                          "endpoint-load-metrics-bin",
                          "x-envoy-peer-metadata",
                          "status"}) {
    UsersCall call;
    call.timeout = absl::Seconds(2);
    call.metadata = {{key, "odd"}, {key, ""}};
    EXPECT_LT(client_->Call(call).took, kTestTimeout) << key;
  }
  EXPECT_TRUE(client_->Call().ok());
}

TEST_F(MetadataTest, OtherKeysUnderTheLibrarysPrefixAreDelivered) {
  UsersCall call;
  call.method = "CreateUser";
  call.metadata = {{"mb-role", "replica"}, {"mb-", "x"}, {"mb-call", "y"}};
  const CallOutcome outcome = client_->Call(call);
  EXPECT_EQ(outcome.served_by, "primary") << outcome.ToString();
  const std::vector<SeenAttempt> seen = Seen();
  ASSERT_EQ(seen.size(), 1u);
  for (const auto& entry : call.metadata) {
    EXPECT_THAT(seen[0].metadata, Contains(Pair(entry.first, entry.second)));
  }
  EXPECT_EQ(Labelled(seen), 0);
}

// gRPC would end the process.
TEST_F(MetadataTest, APoisonedValueFailsItsCallAlone) {
  for (const auto& poisoned : std::vector<std::pair<std::string, std::string>>{
           {"x-user", "a\nb"},
           {"x-user", "\xc3\xa9"},
           {"X-User", "a"},
           {":path", "/"},
           {"grpclb_client_stats", "a"},
           {"", "a"}}) {
    UsersCall call;
    call.metadata = {poisoned};
    const CallOutcome outcome = client_->Call(call);
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << outcome.ToString();
    EXPECT_THAT(
        outcome.status.error_message(),
        HasSubstr(absl::StrCat("metadata key \"", poisoned.first, "\"")));
    EXPECT_TRUE(client_->Call().ok());
  }
}

// Servers close the whole connection on a call above their limit, so this
// finds the largest call that is sent and checks that they take it.
TEST_F(MetadataTest, MaxRequestMetadataRefusesWhatAServerWouldNotTake) {
  auto client = UsersClient::Make(
      fleet_->StaticTarget(), ServiceConfig(R"("maxRequestMetadata":8192)"));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo(fleet_->addresses()));
  UsersCall call;
  call.metadata = {{"x-large", ""}};
  const auto outcome_of = [&client, &call](size_t size) {
    call.metadata[0].second = std::string(size, 'x');
    return (*client)->Call(call);
  };
  size_t sent = 0;
  size_t refused = 10000;
  while (refused - sent > 1) {
    const size_t size = (sent + refused) / 2;
    const CallOutcome outcome = outcome_of(size);
    if (outcome.ok()) {
      sent = size;
      continue;
    }
    refused = size;
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
        << outcome.ToString();
    EXPECT_EQ(outcome.answered_by, "") << outcome.ToString();
    EXPECT_THAT(outcome.status.error_message(),
                HasSubstr("maxRequestMetadata is 8192"));
  }
  EXPECT_GT(sent, 7000u);
}

TEST_F(MetadataTest, ALargeCallWithoutALimitIsLoggedOncePerChannel) {
  absl::Mutex mutex;
  std::vector<std::string> warnings;
  SetLogSink(
      [&mutex, &warnings](LogSeverity severity, absl::string_view message) {
        absl::MutexLock lock(&mutex);
        if (severity == LogSeverity::kWarning) warnings.emplace_back(message);
      });
  UsersCall call;
  call.timeout = absl::Seconds(2);
  call.metadata = {{"x-large", std::string(6000, 'x')}};
  client_->Call(call);
  {
    absl::MutexLock lock(&mutex);
    EXPECT_THAT(warnings, IsEmpty());
  }
  call.metadata[0].second = std::string(9000, 'x');
  for (int i = 0; i < 3; ++i) client_->Call(call);
  SetLogSink(nullptr);
  absl::MutexLock lock(&mutex);
  EXPECT_THAT(warnings, ElementsAre(AllOf(HasSubstr("Users/GetUser has "),
                                          HasSubstr(" bytes of metadata"),
                                          HasSubstr("maxRequestMetadata"))));
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
    return Users::NewStub(
        InterceptedChannel(target, *std::move(factory), args));
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
              "initialBackoff":"0.002s","maxBackoff":"0.01s",
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
  EXPECT_EQ(Labelled(Seen()), 0);
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
  EXPECT_EQ(Labelled(Seen()), 0);
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

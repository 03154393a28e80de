// Attempts that fail in the client itself: by its call credentials, its limits,
// its deadline or its own queue.  They count for no backend and are tried
// nowhere else, and the caller sees them as they are.

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::UserReply;
using examples::users::v1::WatchUsersRequest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Calls go to b0.  All codes that the tests meet may be retried, and three
// failures in a row take a backend out.
constexpr char kPolicy[] = R"("strategy":"PRIMARY","health":{"passive":{}},
    "failover":{"retriableStatusCodes":["UNAVAILABLE","RESOURCE_EXHAUSTED",
                                        "UNAUTHENTICATED"])";

// More than the three failures in a row that take a backend out.
constexpr int kCalls = 5;

// Later releases report a message that is too big only as a cancelled stream.
#if GRPC_CPP_VERSION_MINOR == 51
constexpr grpc::StatusCode kStreamsReplyTooBig =
    grpc::StatusCode::RESOURCE_EXHAUSTED;
#else
constexpr grpc::StatusCode kStreamsReplyTooBig = grpc::StatusCode::CANCELLED;
#endif

class ClientFaultTest : public ::testing::Test {
 protected:
  // `failover` is appended to the failover configuration.
  void Start(ChannelOptions options = {}, absl::string_view failover = "",
             const std::vector<std::string>& flags = {}, size_t backends = 2) {
    auto fleet = BackendFleet::Start(backends, flags);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    if (options.service_config_json.empty()) {
      options.service_config_json =
          ServiceConfig(absl::StrCat(kPolicy, failover, "}"));
    }
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->ConnectTo({fleet_->address(0)}));
    fleet_->ResetStats();
    events_ = client_->pool().GetEvents().size();
  }

  // No backend has a failure or has changed its state, and b0 gets the next
  // call.
  void ExpectNoBackendWasBlamed() {
    EXPECT_TRUE(WaitUntil([this]() { return client_->IsIdle(); }));
    for (size_t i = 0; i < fleet_->size(); ++i) {
      const BackendSnapshot backend = client_->Backend(fleet_->address(i));
      EXPECT_EQ(backend.failures, 0u) << backend.reason;
      EXPECT_EQ(StateName(backend.state), "ALIVE") << backend.reason;
    }
    EXPECT_EQ(client_->pool().GetEvents().size(), events_);
    const CallOutcome next = client_->Call();
    EXPECT_EQ(next.served_by, "b0") << next.ToString();
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
  size_t events_ = 0;
};

// --- Call credentials --------------------------------------------------------

// Credentials whose token server is away, or does not answer in time.
class BrokenPlugin final : public grpc::MetadataCredentialsPlugin {
 public:
  // Without `until` it fails at once.
  explicit BrokenPlugin(Event* until = nullptr) : until_(until) {}
  grpc::Status GetMetadata(
      grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
      std::multimap<grpc::string, grpc::string>*) override {
    if (until_ != nullptr) until_->Await(kTestTimeout);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "no token");
  }

 private:
  Event* const until_;
};

std::shared_ptr<grpc::CallCredentials> BrokenCredentials(
    Event* until = nullptr) {
  return grpc::experimental::MetadataCredentialsFromPlugin(
      std::make_unique<BrokenPlugin>(until), GRPC_SECURITY_NONE);
}

TEST_F(ClientFaultTest, CredentialsThatFailCountForNoBackend) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto before = client_->Attempts();
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_credentials(BrokenCredentials());
    const CallOutcome outcome = client_->Call({}, context);
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE)
        << outcome.ToString();
    EXPECT_THAT(outcome.status.error_message(), HasSubstr("no token"));
  }
  EXPECT_EQ(fleet_->TotalCalls(), 0);
  EXPECT_EQ(client_->Attempts() - before, uint64_t{kCalls});
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, CredentialsThatTheChannelIsTooInsecureForCountForNone) {
  ASSERT_NO_FATAL_FAILURE(Start());
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_credentials(grpc::AccessTokenCredentials("token"));
    EXPECT_EQ(client_->Call({}, context).status.error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(fleet_->TotalCalls(), 0);
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, SlowCredentialsAreNotASlowBackend) {
  ASSERT_NO_FATAL_FAILURE(Start({}, R"(,"perTryTimeout":"0.1s")"));
  Event answer;
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_credentials(BrokenCredentials(&answer));
    EXPECT_EQ(client_->Call({}, context).status.error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  answer.Set();
  ExpectNoBackendWasBlamed();
}

// --- The client's limits -----------------------------------------------------

UsersCall LargeCall() {
  UsersCall call;
  call.user_id = std::string(2000, 'x');
  return call;
}

struct LimitCase {
  const char* name;
  // Sets a limit that a LargeCall() exceeds.
  std::function<void(ChannelOptions&)> set;
  bool sent;  // The backend gets the call.
};

void SetMethodConfig(const char* limit, ChannelOptions& options) {
  options.service_config_json =
      absl::StrCat(R"({"methodConfig":[{"name":[{}],")", limit,
                   R"(":1000}],"loadBalancingConfig":[{"multi_backend":{)",
                   kPolicy, "}}}]}");
}

const LimitCase kLimits[] = {
    {"ARequestTooBig",
     [](ChannelOptions& options) { options.args.SetMaxSendMessageSize(1000); },
     false},
    {"AReplyTooBig",
     [](ChannelOptions& options) {
       options.args.SetMaxReceiveMessageSize(1000);
     },
     true},
    {"ARequestTooBigForItsMethod",
     [](ChannelOptions& options) {
       SetMethodConfig("maxRequestMessageBytes", options);
     },
     false},
    {"AReplyTooBigForItsMethod",
     [](ChannelOptions& options) {
       SetMethodConfig("maxResponseMessageBytes", options);
     },
     true},
};

class LimitTest : public ClientFaultTest,
                  public ::testing::WithParamInterface<LimitCase> {};

INSTANTIATE_TEST_SUITE_P(Limits, LimitTest, ::testing::ValuesIn(kLimits),
                         [](const ::testing::TestParamInfo<LimitCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(LimitTest, CountsForNoBackend) {
  ChannelOptions options;
  GetParam().set(options);
  ASSERT_NO_FATAL_FAILURE(Start(std::move(options)));
  for (int i = 0; i < kCalls; ++i) {
    const CallOutcome outcome = client_->Call(LargeCall());
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
        << outcome.ToString();
    EXPECT_THAT(outcome.status.error_message(), HasSubstr("larger than max"));
  }
  EXPECT_EQ(fleet_->CallsOf(0), GetParam().sent ? kCalls : 0);
  EXPECT_EQ(fleet_->CallsOf(1), 0);
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, AStreamsMessageTooBigCountsForNoBackend) {
  ChannelOptions options;
  options.args.SetMaxSendMessageSize(1000);
  ASSERT_NO_FATAL_FAILURE(Start(std::move(options)));
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    auto stream = client_->stub().WatchUsers(&context);
    WatchUsersRequest request;
    request.set_user_id(std::string(2000, 'x'));
    stream->Write(request);
    UserReply reply;
    EXPECT_FALSE(stream->Read(&reply));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
        << status.error_message();
  }
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, AStreamsReplyTooBigCountsForNoBackend) {
  ChannelOptions options;
  options.args.SetMaxReceiveMessageSize(1000);
  ASSERT_NO_FATAL_FAILURE(Start(std::move(options)));
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    auto stream = client_->stub().WatchUsers(&context);
    WatchUsersRequest request;
    UserReply reply;
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&reply)) << "the stream is well so far";
    request.set_user_id(std::string(2000, 'x'));
    stream->Write(request);
    EXPECT_FALSE(stream->Read(&reply));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), kStreamsReplyTooBig)
        << status.error_message();
  }
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, MetadataOverTheClientsLimitCountsForNoBackend) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const auto pool = BackendPool::Create();
  for (int i = 0; i < kCalls; ++i) {
    // Each call has a connection of its own, because gRPC 1.51 may end the next
    // call of the connection with the rest of such an answer.
    client_.reset();
    ChannelOptions options;
    options.service_config_json = ServiceConfig(absl::StrCat(kPolicy, "}"));
    options.args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 10);
#if GRPC_CPP_VERSION_MINOR != 51
    // The other one is a soft limit in later releases.
    options.args.SetInt(GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE, 10);
#endif
    options.pool = pool;
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    EXPECT_EQ(client_->Call().status.error_code(),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    for (const BackendSnapshot& backend : pool->GetAllBackends()) {
      EXPECT_EQ(backend.failures, 0u);
      EXPECT_EQ(StateName(backend.state), "ALIVE") << backend.reason;
    }
  }
  EXPECT_EQ(fleet_->TotalCalls(), kCalls);
}

// --- The client's own queue --------------------------------------------------

// A stream that holds the only place on the connection to b0.
class FullConnection {
 public:
  explicit FullConnection(UsersClient& client) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + 2 * kTestTimeout));
    stream_ = client.stub().WatchUsers(&context_);
    UserReply reply;
    EXPECT_TRUE(stream_->Write(WatchUsersRequest()));
    EXPECT_TRUE(stream_->Read(&reply)) << stream_->Finish().error_message();
  }
  ~FullConnection() {
    stream_->WritesDone();
    const grpc::Status status = stream_->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<WatchUsersRequest, UserReply>>
      stream_;
};

TEST_F(ClientFaultTest, PerTryTimeoutBehindAFullConnectionCountsForNoBackend) {
  ASSERT_NO_FATAL_FAILURE(Start({}, R"(,"perTryTimeout":"0.1s")",
                                {"--max-concurrent-streams=1"},
                                /*backends=*/1));
  {
    FullConnection full(*client_);
    for (int i = 0; i < kCalls; ++i) {
      UsersCall call;
#if GRPC_CPP_VERSION_MINOR != 51
      // While the call waits in core's subchannel it holds the call combiner,
      // so the timer of perTryTimeout cannot run.
      call.timeout = absl::Milliseconds(300);
#endif
      const CallOutcome outcome = client_->Call(call);
      EXPECT_EQ(outcome.status.error_code(),
                grpc::StatusCode::DEADLINE_EXCEEDED)
          << outcome.ToString();
    }
    EXPECT_EQ(fleet_->CallsOf(0, "GetUser"), 0);
  }
  ExpectNoBackendWasBlamed();
}

TEST_F(ClientFaultTest, ADeadlineBehindAFullConnectionCountsForNoBackend) {
  ASSERT_NO_FATAL_FAILURE(Start({}, "", {"--max-concurrent-streams=1"},
                                /*backends=*/1));
  {
    FullConnection full(*client_);
    for (int i = 0; i < kCalls; ++i) {
      UsersCall call;
      call.timeout = absl::Milliseconds(50);
      EXPECT_EQ(client_->Call(call).status.error_code(),
                grpc::StatusCode::DEADLINE_EXCEEDED);
    }
    EXPECT_EQ(fleet_->CallsOf(0, "GetUser"), 0);
  }
  ExpectNoBackendWasBlamed();
}

// --- What the backends did remains theirs ------------------------------------

TEST_F(ClientFaultTest, ABackendThatHangsIsBlamedForPerTryTimeout) {
  ASSERT_NO_FATAL_FAILURE(Start({}, R"(,"perTryTimeout":"0.2s")"));
  fleet_->SetBehaviour(0, Hanging());
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
  EXPECT_TRUE(WaitUntil([this]() { return client_->IsIdle(); }));
  EXPECT_EQ(client_->Backend(fleet_->address(0)).failures, 1u);
}

TEST_F(ClientFaultTest, ABackendsOwnResourceExhaustedMakesItOverloaded) {
  ASSERT_NO_FATAL_FAILURE(Start());
  fleet_->SetBehaviour(0, Failing("RESOURCE_EXHAUSTED"));
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
  EXPECT_EQ(StateName(client_->Backend(fleet_->address(0)).state),
            "OVERLOADED");
}

TEST_F(ClientFaultTest, AStoppedServerIsBlamedForTheCallsThatItLoses) {
  ASSERT_NO_FATAL_FAILURE(Start());
  fleet_->SetBehaviour(0, Hanging());
  PendingCall lost(*client_, {});
  ASSERT_TRUE(WaitUntil([this]() { return fleet_->CallsOf(0) == 1; }));
  fleet_->server(0).Kill();
  EXPECT_EQ(lost.Wait().served_by, "b1") << lost.Wait().ToString();
  EXPECT_EQ(client_->Backend(fleet_->address(0)).failures, 1u);
}

TEST_F(ClientFaultTest, AStreamThatBreaksOffIsItsBackendsFailure) {
  ASSERT_NO_FATAL_FAILURE(Start());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  auto stream = client_->stub().WatchUsers(&context);
  UserReply reply;
  ASSERT_TRUE(stream->Write(WatchUsersRequest()));
  ASSERT_TRUE(stream->Read(&reply));
  fleet_->server(0).Kill();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(client_->Backend(fleet_->address(0)).failures, 1u);
}

}  // namespace
}  // namespace multi_backend

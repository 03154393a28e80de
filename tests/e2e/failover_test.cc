// When a failed call is retried on another backend, and how often.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/black_hole.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

class FailoverTest : public ::testing::Test {
 protected:
  void Start(size_t backends, ChannelOptions options) {
    auto fleet = BackendFleet::Start(backends);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  void Start(size_t backends, absl::string_view failover) {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(absl::StrCat(
        kFailedCallsDoNotCount, R"(,"failover":{)", failover, "}"));
    Start(backends, std::move(options));
  }

  void SetAll(const examples::users::v1::Behaviour& behaviour) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      fleet_->SetBehaviour(i, behaviour);
    }
    fleet_->ResetStats();
  }

  // The number of backends that one call was sent to; no backend gets it twice.
  int64_t AttemptsOfOneCall() {
    fleet_->ResetStats();
    client_->Call();
    for (size_t i = 0; i < fleet_->size(); ++i) {
      EXPECT_LE(fleet_->CallsOf(i), 1);
    }
    return fleet_->TotalCalls();
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(FailoverTest, MaxRetriesBoundsTheAttempts) {
  for (int max_retries : {0, 1, 2, 4}) {
    ASSERT_NO_FATAL_FAILURE(
        Start(6, absl::StrCat(R"("maxRetries":)", max_retries)));
    SetAll(Failing());
    EXPECT_EQ(AttemptsOfOneCall(), 1 + max_retries);
  }
}

TEST_F(FailoverTest, FourRetriesFindTheOneOfFiveThatWorks) {
  ASSERT_NO_FATAL_FAILURE(
      Start(5, R"("maxRetries":4,"budget":{"minRetriesPerSecond":1000})"));
  SetAll(Failing());
  fleet_->SetBehaviour(3, Succeeding());
  const LoadResult load = RunCalls(*client_, /*threads=*/4, /*calls=*/100);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(load.served.size(), 1u);
}

// Returns how many of ten calls with a request of `size` bytes succeed while
// one of two backends fails all of its calls.
int SucceedingCalls(UsersClient& client, size_t size) {
  int succeeded = 0;
  for (int i = 0; i < 10; ++i) {
    UsersCall call;
    call.user_id = std::string(size, 'x');
    succeeded += client.Call(call).ok();
  }
  return succeeded;
}

TEST_F(FailoverTest, RequestsUpToTheRetryBufferFailOver) {
  // gRPC's own buffer has 262,144 bytes.
  constexpr size_t kAboveGrpcs = 263'000;
  static constexpr char kBudget[] = R"("budget":{"minRetriesPerSecond":1000})";
  const auto with_arg = [](int bytes, absl::string_view more) {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(absl::StrCat(
        kFailedCallsDoNotCount, R"(,"failover":{)", kBudget, more, "}"));
    if (bytes > 0)
      options.args.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, bytes);
    return options;
  };
  const struct {
    const char* name;
    int arg;  // 0: the application does not set it.
    const char* config;
    size_t size;
    int succeed;  // Of ten calls.
  } kRows[] = {
      {"above gRPC's own buffer", 0, "", kAboveGrpcs, 10},
      {"close to the default", 0, "", (1 << 20) - 1000, 10},
      {"above the default", 0, "", (1 << 20) + 1, 5},
      {"configured", 0, R"(,"retryBuffer":4194304)", 1'500'000, 10},
      {"above the configured one", 0, R"(,"retryBuffer":4096)", 8192, 5},
      {"the application's arg", 4 << 20, "", 1'500'000, 10},
      {"a small arg", 4096, "", 8192, 5},
      {"the configuration before the arg", 4096, R"(,"retryBuffer":65536)",
       8192, 10},
  };
  for (const auto& row : kRows) {
    ASSERT_NO_FATAL_FAILURE(Start(2, with_arg(row.arg, row.config)));
    ASSERT_TRUE(client_->ConnectTo(fleet_->addresses())) << row.name;
    fleet_->SetBehaviour(0, Failing());
    EXPECT_EQ(SucceedingCalls(*client_, row.size), row.succeed) << row.name;
  }
}

TEST_F(FailoverTest, AChannelThatGrpcMakesHasTheLargeRetryBufferToo) {
  auto fleet = BackendFleet::Start(2);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  ASSERT_TRUE(Register().ok());
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  const auto stub =
      examples::users::v1::Users::NewStub(grpc::CreateCustomChannel(
          (*fleet)->Ipv4Target(), grpc::InsecureChannelCredentials(), args));
  (*fleet)->SetBehaviour(0, Failing());
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    context.set_wait_for_ready(true);
    examples::users::v1::GetUserRequest request;
    request.set_user_id(std::string(263'000, 'x'));
    examples::users::v1::UserReply reply;
    const grpc::Status status = stub->GetUser(&context, request, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
}

// With two tokens, the first failure leaves not more than half of them.
TEST_F(FailoverTest, RetryThrottlingOfTheServiceConfigBoundsTheRetriesToo) {
  ChannelOptions options;
  options.service_config_json =
      R"({"retryThrottling":{"maxTokens":2,"tokenRatio":0.1},
          "loadBalancingConfig":[{"multi_backend":{}}]})";
  ASSERT_NO_FATAL_FAILURE(Start(3, std::move(options)));
  ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  SetAll(Failing());
  EXPECT_EQ(AttemptsOfOneCall(), 1);
}

TEST_F(FailoverTest, OnlyTheConfiguredCodesFailOver) {
  ASSERT_NO_FATAL_FAILURE(
      Start(3, R"("retriableStatusCodes":["RESOURCE_EXHAUSTED","INTERNAL"])"));
  for (const char* code : {"RESOURCE_EXHAUSTED", "INTERNAL"}) {
    SetAll(Failing(code));
    EXPECT_EQ(AttemptsOfOneCall(), 3) << code;
  }
  for (const char* code : {"UNAVAILABLE", "ABORTED"}) {
    SetAll(Failing(code));
    EXPECT_EQ(AttemptsOfOneCall(), 1) << code;
  }
}

TEST_F(FailoverTest, ApplicationErrorsNeverFailOver) {
  ASSERT_NO_FATAL_FAILURE(Start(3, R"("maxRetries":4)"));
  for (int code = 1; code <= 16; ++code) {
    if (code == static_cast<int>(absl::StatusCode::kUnavailable)) continue;
    const std::string name =
        absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    SetAll(Failing(name));
    const CallOutcome outcome = client_->Call();
    EXPECT_EQ(fleet_->TotalCalls(), 1) << name;
    EXPECT_EQ(static_cast<int>(outcome.status.error_code()), code);
    EXPECT_EQ(
        outcome.status.error_message(),
        absl::StrCat("backend ", outcome.answered_by, " was told to fail"));
  }
  // These failures do not count against the backend either.
  for (const BackendSnapshot& backend : client_->pool().GetAllBackends()) {
    EXPECT_EQ(backend.failures, 0u) << backend.address;
  }
}

// The failed call gets its answer long before gRPC gives up the connection,
// which takes it 20 seconds.
TEST_F(FailoverTest, ABackendThatCannotBeReachedDelaysAFailureByASecond) {
  auto fleet = BackendFleet::Start(1);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  const BlackHole unreachable;
  for (const char* policy : {"", R"("backlog":{})"}) {
    SCOPED_TRACE(policy);
    auto client = UsersClient::Make(
        absl::StrCat((*fleet)->StaticTarget(), ",", unreachable.address()),
        ServiceConfig(policy));
    ASSERT_TRUE(client.ok()) << client.status();
    (*fleet)->SetBehaviour(0, Succeeding());
    ASSERT_TRUE((*client)->ConnectTo({(*fleet)->address(0)}));
    (*fleet)->SetBehaviour(0, Failing());
    const CallOutcome outcome = (*client)->Call();
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(outcome.status.error_message(), "backend b0 was told to fail");
    EXPECT_EQ(outcome.answered_by, "b0") << "the trailers are there too";
    EXPECT_GE(outcome.took, absl::Seconds(1)) << "the default";
    EXPECT_LT(outcome.took, absl::Seconds(15));
  }
}

// What the application's classifier was asked, as text.
class AskedLog {
 public:
  void Add(const AttemptView& view) {
    absl::MutexLock lock(&mutex_);
    asked_.push_back(absl::StrCat(view.attempt, " ",
                                  absl::StatusCodeToString(view.code), " on ",
                                  view.backend, " of ", view.method, ": ",
                                  view.timed_out ? "timed out" : view.message));
  }
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> taken;
    taken.swap(asked_);
    return taken;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mutex_);
};

constexpr char kGetUser[] = "/examples.users.v1.Users/GetUser";

class ClassifierTest : public FailoverTest {
 protected:
  // Retries what `decide` accepts; calls go to b0 first, then to b1.
  void StartWith(RetryClassifier decide) {
    ChannelOptions options;
    options.service_config_json = ServiceConfig(absl::StrCat(
        kFailedCallsDoNotCount,
        R"(,"strategy":"PRIMARY","failover":{"perTryTimeout":"0.5s"})"));
    options.retry_classifier = [this, decide](const AttemptView& view) {
      asked_.Add(view);
      return decide(view);
    };
    ASSERT_NO_FATAL_FAILURE(Start(2, std::move(options)));
    ASSERT_TRUE(client_->ConnectTo({fleet_->address(0)}));
    fleet_->ResetStats();
    asked_.Take();
  }

  std::string Asked(int attempt, absl::string_view code, size_t backend,
                    absl::string_view what) {
    return absl::StrCat(attempt, " ", code, " on ", fleet_->address(backend),
                        " of ", kGetUser, ": ", what);
  }

  AskedLog asked_;
};

TEST_F(ClassifierTest, DecidesOnEachFailedAttemptAndSeesAllOfIt) {
  ASSERT_NO_FATAL_FAILURE(StartWith([](const AttemptView& view) {
    return view.code == absl::StatusCode::kNotFound;
  }));
  fleet_->SetBehaviour(0, Failing("NOT_FOUND"));
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
  EXPECT_THAT(asked_.Take(),
              ::testing::ElementsAre(
                  Asked(1, "NOT_FOUND", 0, "backend b0 was told to fail")));

  fleet_->SetBehaviour(1, Failing("DATA_LOSS"));
  EXPECT_EQ(client_->Call().status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_THAT(asked_.Take(),
              ::testing::ElementsAre(
                  Asked(1, "NOT_FOUND", 0, "backend b0 was told to fail"),
                  Asked(2, "DATA_LOSS", 1, "backend b1 was told to fail")));
}

TEST_F(ClassifierTest, ReplacesTheListOfCodes) {
  ASSERT_NO_FATAL_FAILURE(StartWith([](const AttemptView&) { return false; }));
  fleet_->SetBehaviour(0, Failing());
  EXPECT_EQ(client_->Call().status.error_message(),
            "backend b0 was told to fail");
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

TEST_F(ClassifierTest, IsAskedOnceAboutAnAttemptThatTimedOut) {
  ASSERT_NO_FATAL_FAILURE(
      StartWith([](const AttemptView& view) { return view.timed_out; }));
  fleet_->SetBehaviour(0, Hanging());
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
  ASSERT_TRUE(WaitUntil([this]() { return client_->IsIdle(); }));
  EXPECT_THAT(asked_.Take(), ::testing::ElementsAre(Asked(
                                 1, "DEADLINE_EXCEEDED", 0, "timed out")));
}

TEST_F(ClassifierTest, MayRefuseToRetryAnAttemptThatTimedOut) {
  ASSERT_NO_FATAL_FAILURE(
      StartWith([](const AttemptView& view) { return !view.timed_out; }));
  fleet_->SetBehaviour(0, Hanging());
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

// A service config in which GetUser has a retryPolicy of its own.
std::string WithOwnRetryPolicy(absl::string_view failover) {
  return absl::StrCat(R"({"loadBalancingConfig":[{"multi_backend":{)",
                      kFailedCallsDoNotCount, R"(,"failover":{)", failover,
                      R"(}}}],"methodConfig":[{
        "name":[{"service":"examples.users.v1.Users","method":"GetUser"}],
        "retryPolicy":{"maxAttempts":4,"initialBackoff":"0.002s",
                       "maxBackoff":"0.01s","backoffMultiplier":1,
                       "retryableStatusCodes":["ABORTED"]}}]})");
}

TEST_F(FailoverTest, AMethodsOwnRetryPolicyStands) {
  for (const char* failover : {R"("maxRetries":1)", R"("maxRetries":0)"}) {
    SCOPED_TRACE(failover);
    ChannelOptions options;
    options.service_config_json = WithOwnRetryPolicy(failover);
    ASSERT_NO_FATAL_FAILURE(Start(2, std::move(options)));
    // The method's own codes and attempts apply: both backends, then any again.
    SetAll(Failing("ABORTED"));
    EXPECT_FALSE(client_->Call().ok());
    EXPECT_EQ(fleet_->TotalCalls(), 4);
    EXPECT_GE(fleet_->CallsOf(0), 1);
    EXPECT_GE(fleet_->CallsOf(1), 1);
    SetAll(Failing("UNAVAILABLE"));
    EXPECT_FALSE(client_->Call().ok());
    EXPECT_EQ(fleet_->TotalCalls(), 1);
  }
}

TEST_F(FailoverTest, AMethodsOwnRetryPolicyConcernsNoOtherMethod) {
  ChannelOptions options;
  options.service_config_json = WithOwnRetryPolicy(R"("maxRetries":1)");
  ASSERT_NO_FATAL_FAILURE(Start(3, std::move(options)));
  UsersCall call;
  call.method = "FindUser";
  SetAll(Failing());
  EXPECT_FALSE(client_->Call(call).ok());
  EXPECT_EQ(fleet_->TotalCalls(), 2);
  SetAll(Failing("ABORTED"));
  EXPECT_FALSE(client_->Call(call).ok());
  EXPECT_EQ(fleet_->TotalCalls(), 1);
}

TEST_F(FailoverTest, TheBudgetsReserveBoundsRetriesInATotalOutage) {
  // 3 retries a second over the window of 10 s, for any number of calls, and
  // half of them at once.
  ASSERT_NO_FATAL_FAILURE(Start(
      3, R"("maxRetries":2,"budget":{"ratio":0,"minRetriesPerSecond":3})"));
  SetAll(Failing());
  const absl::Time start = absl::Now();
  const LoadResult load = RunCalls(*client_, /*threads=*/4, /*calls=*/400);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  EXPECT_EQ(load.failed, 400);
  EXPECT_GE(fleet_->TotalCalls(), 400 + 15);
  EXPECT_LE(fleet_->TotalCalls(), 400 + 15 * (1 + seconds));
  // After the window of ten seconds, each second allows three more.
  EXPECT_LE(fleet_->TotalCalls(), 400 + 30 + 3 * std::max(0.0, seconds - 9));
}

TEST_F(FailoverTest, TheBudgetsRatioBoundsRetriesInATotalOutage) {
  ASSERT_NO_FATAL_FAILURE(Start(
      3, R"("maxRetries":2,"budget":{"ratio":0.2,"minRetriesPerSecond":0})"));
  SetAll(Failing());
  const LoadResult load = RunCalls(*client_, /*threads=*/4, /*calls=*/500);
  EXPECT_EQ(load.failed, 500);
  EXPECT_GT(fleet_->TotalCalls(), 500);
  EXPECT_LE(fleet_->TotalCalls(), 500 + 100);
}

TEST_F(FailoverTest, WithNoBudgetThereIsNoRetry) {
  ASSERT_NO_FATAL_FAILURE(
      Start(3, R"("budget":{"ratio":0,"minRetriesPerSecond":0})"));
  SetAll(Failing());
  EXPECT_EQ(AttemptsOfOneCall(), 1);
}

TEST_F(FailoverTest, WaitForReadyCallsFailOverAndEndAsOthersDo) {
  ASSERT_NO_FATAL_FAILURE(Start(3, R"("maxRetries":4)"));
  UsersCall call;
  call.wait_for_ready = true;
  SetAll(Failing());
  const CallOutcome failed = client_->Call(call);
  EXPECT_EQ(failed.status.error_message(),
            absl::StrCat("backend ", failed.answered_by, " was told to fail"));
  EXPECT_EQ(fleet_->TotalCalls(), 3);
  fleet_->SetBehaviour(1, Succeeding());
  for (int i = 0; i < 10; ++i) {
    const CallOutcome outcome = client_->Call(call);
    EXPECT_EQ(outcome.served_by, "b1") << outcome.ToString();
  }
}

TEST_F(FailoverTest, AWaitForReadyCallWaitsForABackendToComeBack) {
  ChannelOptions options;
  options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  options.args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  ASSERT_NO_FATAL_FAILURE(Start(1, std::move(options)));
  ASSERT_TRUE(client_->Call().ok());
  fleet_->server(0).Kill();
  ASSERT_TRUE(client_->AwaitHealth(fleet_->address(0), false));
  EXPECT_EQ(client_->Call().status.error_code(), grpc::StatusCode::UNAVAILABLE);
  UsersCall call;
  call.wait_for_ready = true;
  PendingCall waiting(*client_, call);
  const absl::Status restarted = fleet_->server(0).Restart();
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_TRUE(waiting.Wait().ok()) << waiting.Wait().ToString();
}

}  // namespace
}  // namespace multi_backend

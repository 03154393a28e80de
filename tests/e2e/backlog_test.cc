// Calls that find no usable backend wait and go in first-in-first-out order.
// Also tests the limit of calls per backend, which can be the reason why no
// backend is usable.

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/started_call.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Calls = std::vector<std::unique_ptr<StartedCall>>;

constexpr grpc::StatusCode kUnavailable = grpc::StatusCode::UNAVAILABLE;

// With this timeout no call is refused for waiting too long.
constexpr char kPatient[] =
    R"("backlog":{"limit":1000,"timeout":"25s","overloadTimeout":"25s"})";
// The longest that an immediate refusal takes on a busy machine.
constexpr absl::Duration kAtOnce = absl::Seconds(2);

class BacklogTest : public ::testing::Test {
 protected:
  void Start(const std::vector<BackendSpec>& specs, absl::string_view policy,
             absl::string_view routing = "") {
    auto fleet = BackendFleet::Start(specs);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    // The calls that a kill ends must not keep its backend out later.
    service_config_ =
        ServiceConfig(absl::StrCat(policy, ",", kFailedCallsDoNotCount, ",",
                                   fleet_->BackendsField()),
                      routing);
    auto client = MakeClient(/*pool=*/nullptr);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(WaitUntil([this]() {
      for (const char* method : {"GetUser", "CreateUser"}) {
        UsersCall call;
        call.method = method;
        client_->Call(call);
      }
      for (size_t i = 0; i < fleet_->size(); ++i) {
        if (fleet_->CallsOf(i) == 0) return false;
      }
      return true;
    }));
    fleet_->ResetStats();
  }

  // A channel to the fleet, with the settings of Start().
  absl::StatusOr<std::unique_ptr<UsersClient>> MakeClient(
      std::shared_ptr<BackendPool> pool) {
    ChannelOptions options;
    options.pool = std::move(pool);
    options.service_config_json = service_config_;
    options.args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    options.args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
    return UsersClient::Make(fleet_->StaticTarget(), std::move(options));
  }

  void MarkAll(bool healthy) {
    for (const std::string& address : fleet_->addresses()) {
      healthy ? client_->pool().MarkHealthy(address)
              : client_->pool().MarkUnhealthy(address, "out");
    }
  }
  std::unique_ptr<StartedCall> StartCall(const std::string& id = "call",
                                         bool wait_for_ready = false) {
    StartedCall::Options options;
    options.id = id;
    options.wait_for_ready = wait_for_ready;
    return std::make_unique<StartedCall>(*client_, options);
  }
  // "fifo-100", "fifo-101", …; every third with wait_for_ready.
  Calls StartCalls(int count) {
    Calls calls;
    for (int i = 0; i < count; ++i) {
      calls.push_back(StartCall(absl::StrCat("fifo-", 100 + i), i % 3 == 0));
    }
    return calls;
  }
  static std::vector<std::string> Ids(int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(absl::StrCat("fifo-", 100 + i));
    }
    return ids;
  }
  // The calls "fifo-…" in the order in which the backend first saw them.
  static std::vector<std::string> Seen(const MetadataDump& dump,
                                       const std::string& backend) {
    std::vector<std::string> ids;
    std::set<std::string> known;
    for (const SeenAttempt& attempt : dump.Of(backend)) {
      if (!absl::StartsWith(attempt.call_id, "fifo-")) continue;
      if (known.insert(attempt.call_id).second) ids.push_back(attempt.call_id);
    }
    return ids;
  }
  std::vector<std::string> BacklogEvents() {
    std::vector<std::string> states;
    for (const PoolEvent& event : client_->pool().GetEvents()) {
      if (event.kind != PoolEvent::Kind::kBacklog) continue;
      states.push_back(absl::StrCat(event.who, " ", event.to));
    }
    return states;
  }

  std::string service_config_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

// --- Order ------------------------------------------------------------------

TEST_F(BacklogTest, CallsWaitForAKilledBackendAndAreServedFirstInFirstOut) {
  MetadataDump dump;
  Start({dump.Record({"b0", "", {}})},
        absl::StrCat(kPatient, R"(,"maxRequestsPerBackend":1)"));
  fleet_->server(0).Kill();
  // gRPC reads its connections only while a thread waits on it.
  const auto first = StartCall("first", /*wait_for_ready=*/true);
  ASSERT_TRUE(WaitUntil(
      [&]() { return !client_->Backend(fleet_->address(0)).healthy; }));
  Calls calls = StartCalls(40);
  for (const auto& call : calls) EXPECT_FALSE(call->done());
  ASSERT_TRUE(fleet_->server(0).Restart().ok());
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
  }
  EXPECT_THAT(Seen(dump, "b0"), ElementsAreArray(Ids(40)));
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
}

TEST_F(BacklogTest, WhenAllAreKilledAtOnceNoCallIsLost) {
  constexpr int kRounds = 5;
  ASSERT_NO_FATAL_FAILURE(
      Start({{"b0", "", {}}, {"b1", "", {}}, {"b2", "", {}}}, kPatient));
  BackgroundLoad load(*client_, /*threads=*/8);
  for (int round = 0; round < kRounds; ++round) {
    fleet_->KillAll();
    for (size_t i = 0; i < fleet_->size(); ++i) {
      ASSERT_TRUE(fleet_->server(i).Restart().ok());
    }
    const int64_t before = load.calls();
    ASSERT_TRUE(WaitUntil([&]() { return load.calls() > before + 1000; }));
  }
  EXPECT_THAT(load.Stop().failures, IsEmpty());
}

TEST_F(BacklogTest, CallsKeepTheirTurnWhateverComesBetween) {
  MetadataDump dump;
  Start({dump.Record({"b0", "", {"--delay-ms", "5"}})},
        absl::StrCat(kPatient, R"(,"maxRequestsPerBackend":1)"));
  MarkAll(/*healthy=*/false);
  Calls calls = StartCalls(40);
  for (const size_t reached : {1, 5, 10, 11, 20, 30}) {
    MarkAll(/*healthy=*/true);
    ASSERT_TRUE(
        WaitUntil([&]() { return Seen(dump, "b0").size() >= reached; }));
    MarkAll(/*healthy=*/false);
  }
  MarkAll(/*healthy=*/true);
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
  }
  EXPECT_THAT(Seen(dump, "b0"), ElementsAreArray(Ids(40)));
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
}

// --- Refusals ---------------------------------------------------------------

TEST_F(BacklogTest, AboveTheLimitCallsAreRefusedAtOnceAndToldWhy) {
  Start({{"b0", "", {}}, {"b1", "", {}}},
        R"("backlog":{"limit":3,"timeout":"25s","overloadTimeout":"25s"})");
  MarkAll(/*healthy=*/false);
  Calls calls = StartCalls(3);
  const auto refused = StartCall();
  EXPECT_EQ(refused->Wait().error_code(), kUnavailable);
  EXPECT_LT(refused->took(), kAtOnce);
  EXPECT_EQ(refused->Wait().error_message(),
            absl::StrCat("multi_backend: no usable backend, the call was never "
                         "sent: 3 calls are waiting already (backlog.limit): ",
                         fleet_->address(0), " (marked unhealthy: out); ",
                         fleet_->address(1), " (marked unhealthy: out)"));
  const auto ready = StartCall("ready", /*wait_for_ready=*/true);
  EXPECT_EQ(ready->Wait().error_code(), kUnavailable);
  EXPECT_LT(ready->took(), kAtOnce);
  EXPECT_EQ(fleet_->TotalCalls(), 0);
  for (const auto& call : calls) EXPECT_FALSE(call->done());
  MarkAll(/*healthy=*/true);
  for (const auto& call : calls) EXPECT_TRUE(call->Wait().ok());
}

TEST_F(BacklogTest, WhoWaitsTooLongIsRefusedInTime) {
  Start({{"b0", "", {}}},
        R"("backlog":{"timeout":"0.3s","overloadTimeout":"25s"})");
  MarkAll(/*healthy=*/false);
  // The shortest of several runs counts, because the machine may be busy.
  absl::Duration late = absl::InfiniteDuration();
  for (int i = 0; i < 6; ++i) {
    const auto call = StartCall("late", /*wait_for_ready=*/i % 2 == 0);
    EXPECT_EQ(call->Wait().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_THAT(call->Wait().error_message(),
                AllOf(HasSubstr("the call was never sent: it waited "),
                      HasSubstr("(backlog.timeout)"),
                      HasSubstr("marked unhealthy: out")));
    EXPECT_GE(call->took(), absl::Milliseconds(300));
    late = std::min(late, call->took() - absl::Milliseconds(300));
  }
  EXPECT_LE(late, absl::Milliseconds(50));
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

TEST_F(BacklogTest, AfterTheOverloadTimeoutWaitersAndNewcomersAreRefused) {
  Start({{"b0", "", {}}, {"b1", "", {}}},
        R"("backlog":{"timeout":"25s","overloadTimeout":"0.5s"})");
  MarkAll(/*healthy=*/false);
  Calls calls = StartCalls(6);
  for (const auto& call : calls) {
    EXPECT_EQ(call->Wait().error_code(), kUnavailable);
    EXPECT_THAT(call->Wait().error_message(),
                HasSubstr("the call was never sent: all backends have been "
                          "down for "));
    EXPECT_LT(call->took(), absl::Seconds(5));
  }
  for (const bool wait_for_ready : {false, true}) {
    const auto newcomer = StartCall("newcomer", wait_for_ready);
    EXPECT_EQ(newcomer->Wait().error_code(), kUnavailable);
    EXPECT_LT(newcomer->took(), absl::Milliseconds(450)) << "without waiting";
  }
  MarkAll(/*healthy=*/true);
  EXPECT_TRUE(StartCall()->Wait().ok());
  EXPECT_TRUE(WaitUntil([&]() { return BacklogEvents().size() == 3; }));
  EXPECT_THAT(BacklogEvents(),
              ElementsAre("root OVERLOADED", "root DOWN", "root ALIVE"));
}

TEST_F(BacklogTest, AWaiterThatIsGivenUpFreesItsPlaceAtOnce) {
  Start({{"b0", "", {}}},
        R"("backlog":{"limit":1,"timeout":"25s","overloadTimeout":"25s"})");
  MarkAll(/*healthy=*/false);
  const auto cancelled = StartCall();
  EXPECT_EQ(StartCall()->Wait().error_code(), kUnavailable) << "it is full";
  cancelled->Cancel();
  EXPECT_EQ(cancelled->Wait().error_code(), grpc::StatusCode::CANCELLED);

  StartedCall::Options short_call;
  short_call.timeout = absl::Milliseconds(300);
  StartedCall expired(*client_, short_call);
  EXPECT_EQ(StartCall()->Wait().error_code(), kUnavailable) << "it is full";
  EXPECT_EQ(expired.Wait().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(expired.Wait().error_message(), Not(HasSubstr("backlog")));

  const auto last = StartCall();
  EXPECT_EQ(StartCall()->Wait().error_code(), kUnavailable) << "it is full";
  MarkAll(/*healthy=*/true);
  EXPECT_TRUE(last->Wait().ok()) << last->Wait().error_message();
}

// --- Roles ------------------------------------------------------------------

TEST_F(BacklogTest, AWriteWaitsInThePrimarysBacklogWhileReadsGoOn) {
  Start({{"p", "primary", {}}, {"r", "replica", {}}},
        absl::StrCat(R"("roles":{"primary":{)", kPatient, R"(},"replica":{}})"),
        R"("routes":[{"match":{"method":"Create.*"},"role":"primary"},)"
        R"({"match":{"method":"Get.*"},"role":"replica"}])");
  client_->pool().MarkUnhealthy(fleet_->address(0));
  StartedCall::Options write;
  write.write = true;
  StartedCall waiting(*client_, write);
  for (int i = 0; i < 20; ++i) {
    const CallOutcome read = client_->Call();
    ASSERT_EQ(read.served_by, "r") << read.ToString();
  }
  EXPECT_FALSE(waiting.done());
  client_->pool().MarkUnhealthy(fleet_->address(1));
  EXPECT_EQ(client_->Call().status.error_code(), kUnavailable)
      << "the replicas have no backlog";
  client_->pool().MarkHealthy(fleet_->address(0));
  EXPECT_TRUE(waiting.Wait().ok()) << waiting.Wait().error_message();
  EXPECT_EQ(waiting.served_by(), "p");
  EXPECT_THAT(BacklogEvents(), Each(AnyOf(R"(role "primary" OVERLOADED)",
                                          R"(role "primary" ALIVE)")));
}

TEST_F(BacklogTest, AFallbackThatComesBackTakesAllThatWait) {
  Start({{"p", "primary", {}}, {"r", "replica", {}}},
        absl::StrCat(R"("roles":{"primary":{)", kPatient, R"(},"replica":{}})"),
        R"("routes":[{"match":{"method":"Get.*"},"role":"primary",)"
        R"("whenUnavailable":"replica"}])");
  MarkAll(/*healthy=*/false);
  Calls calls = StartCalls(10);
  for (const auto& call : calls) EXPECT_FALSE(call->done());
  client_->pool().MarkHealthy(fleet_->address(1));
  for (const auto& call : calls) {
    EXPECT_TRUE(call->Wait().ok()) << call->Wait().error_message();
    EXPECT_EQ(call->served_by(), "r");
  }
}

// --- On a channel that gRPC's own function made -----------------------------

TEST_F(BacklogTest, APlainChannelOfGrpcsOwnResolverHasOneToo) {
  constexpr char kImpatient[] =
      R"("backlog":{"limit":10,"timeout":"0.5s","overloadTimeout":"25s"})";
  Start({{"b0", "", {}}}, kImpatient);
  fleet_->server(0).Kill();
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ServiceConfig(kImpatient));
  auto stub = examples::users::v1::Users::NewStub(grpc::CreateCustomChannel(
      fleet_->Ipv4Target(), grpc::InsecureChannelCredentials(), args));
  StartedCall refused(*stub, {});
  EXPECT_EQ(refused.Wait().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(refused.Wait().error_message(), HasSubstr("backlog.timeout"));
  ASSERT_TRUE(fleet_->server(0).Restart().ok());
  EXPECT_TRUE(WaitUntil([&]() { return StartedCall(*stub, {}).Wait().ok(); }));
}

// --- Calls per backend ------------------------------------------------------

TEST_F(BacklogTest, AFullBackendsCallsGoElsewhereAndThenWait) {
  Start({{"b0", "", {}}, {"b1", "", {}}},
        absl::StrCat(kPatient, R"(,"maxRequestsPerBackend":2)"));
  for (size_t i = 0; i < 2; ++i) fleet_->SetBehaviour(i, Hanging());
  Calls calls = StartCalls(4);
  ASSERT_TRUE(WaitUntil([&]() { return fleet_->TotalCalls() == 4; }));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(client_->Backend(fleet_->address(i)).in_flight, 2);
  }
  const auto fifth = StartCall("fifth");
  const auto sixth = StartCall("sixth");
  EXPECT_EQ(client_->InFlight(), 4);
  // Each place that becomes free, on any backend, releases one call.
  calls[2]->Cancel();
  ASSERT_TRUE(WaitUntil([&]() { return fleet_->TotalCalls() == 5; }));
  EXPECT_EQ(calls[2]->Wait().error_code(), grpc::StatusCode::CANCELLED);
  calls[1]->Cancel();
  ASSERT_TRUE(WaitUntil([&]() { return fleet_->TotalCalls() == 6; }));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_LE(client_->Backend(fleet_->address(i)).in_flight, 2);
    fleet_->SetBehaviour(i, Succeeding());
  }
  EXPECT_TRUE(fifth->Wait().ok());
  EXPECT_TRUE(sixth->Wait().ok());
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
}

TEST_F(BacklogTest, WithoutABacklogFullBackendsRefuse) {
  Start({{"b0", "", {}}}, R"("maxRequestsPerBackend":1)");
  fleet_->SetBehaviour(0, Hanging());
  const auto held = StartCall();
  const auto refused = StartCall();
  EXPECT_EQ(refused->Wait().error_code(), kUnavailable);
  EXPECT_LT(refused->took(), kAtOnce);
  EXPECT_THAT(refused->Wait().error_message(),
              HasSubstr("no usable backend, the call was not sent: "));
  EXPECT_FALSE(held->done());
  held->Cancel();
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
  fleet_->SetBehaviour(0, Succeeding());
  EXPECT_TRUE(client_->Call().ok());
}

TEST_F(BacklogTest, UnderLoadNoBackendHasMoreCallsThanItsLimit) {
  Start({{"b0", "", {}}, {"b1", "", {}}},
        absl::StrCat(kPatient, R"(,"maxRequestsPerBackend":2)"));
  for (size_t i = 0; i < 2; ++i) {
    fleet_->SetBehaviour(i, Slow(absl::Milliseconds(1)));
  }
  EXPECT_THAT(RunCalls(*client_, /*threads=*/16, /*calls=*/800).failures,
              IsEmpty());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_LE(fleet_->Stats(i).max_in_flight(), 2) << i;
    EXPECT_GT(fleet_->CallsOf(i), 200) << i;
  }
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
}

// Core serialises the picks of one channel at most, so the limit must hold
// across channels.
TEST_F(BacklogTest, ChannelsThatShareAPoolKeepTheLimitTogether) {
  Start({{"b0", "", {}}, {"b1", "", {}}},
        absl::StrCat(kPatient, R"(,"maxRequestsPerBackend":2)"));
  auto other = MakeClient(client_->pool().shared_from_this());
  ASSERT_TRUE(other.ok()) << other.status();
  BackgroundLoad load(**other, /*threads=*/8);
  EXPECT_THAT(RunCalls(*client_, /*threads=*/8, /*calls=*/2000).failures,
              IsEmpty());
  EXPECT_THAT(load.Stop().failures, IsEmpty());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_LE(fleet_->Stats(i).max_in_flight(), 2) << i;
  }
  EXPECT_TRUE(WaitUntil([&]() { return client_->IsIdle(); }));
}

}  // namespace
}  // namespace multi_backend

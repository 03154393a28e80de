// Real servers fail and recover, as detected by probes, by calls, and by marks
// of the application.

#include <arpa/inet.h>
#include <grpc/grpc.h>
#include <grpc/support/alloc.h>
#include <grpcpp/security/credentials.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/loopback_listener.h"
#include "multi_backend/tests/testing/probed_server.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Answer = ProbedServer::Answer;

// Short intervals, but above the minimum that the lint warns about.
std::string Probing(absl::string_view more = "") {
  return absl::StrCat(R"("health":{"active":{"interval":"0.1s",)",
                      R"("timeout":"0.3s","unhealthyAfter":2,)",
                      R"("healthyAfter":2)", more, "}}");
}

std::string Passive(absl::string_view fields = "") {
  return absl::StrCat(R"("health":{"passive":{)", fields, "}}");
}

std::unique_ptr<UsersClient> Connect(
    const std::string& target, absl::string_view policy,
    std::shared_ptr<BackendPool> pool = nullptr) {
  ChannelOptions options;
  options.service_config_json = ServiceConfig(policy);
  options.pool = std::move(pool);
  auto client = UsersClient::Make(target, std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

bool Becomes(const UsersClient& client, const std::string& address,
             BackendState state) {
  return WaitUntil([&]() { return client.Backend(address).state == state; });
}

// Returns the backend's changes of state: "ALIVE -> DOWN", ….
std::vector<std::string> Changes(BackendPool& pool,
                                 const std::string& address) {
  std::vector<std::string> changes;
  for (const PoolEvent& event : pool.GetEvents()) {
    if (event.kind != PoolEvent::Kind::kState || event.who != address) continue;
    changes.push_back(absl::StrCat(event.from, " -> ", event.to));
  }
  return changes;
}

// Listens on the loopback interface and answers every input with the same
// bytes.
class FixedServer {
 public:
  explicit FixedServer(std::string answer)
      : answer_(std::move(answer)), thread_([this]() { Serve(); }) {}
  ~FixedServer() {
    shutdown(listener_.fd(), SHUT_RDWR);
    thread_.join();
  }

  int port() const { return listener_.port(); }

 private:
  void Serve() {
    for (;;) {
      const int connection = accept(listener_.fd(), nullptr, nullptr);
      if (connection < 0) return;
      char buffer[1024];
      if (read(connection, buffer, sizeof(buffer)) > 0) {
        send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(connection);
    }
  }

  const std::string answer_;
  const LoopbackListener listener_;
  std::thread thread_;  // Last, because it uses the others.
};

class HealthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Register().ok());
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  // Makes a client that is connected to all backends, before any call counts.
  std::unique_ptr<UsersClient> ConnectToAll(absl::string_view policy) {
    auto client = Connect(fleet_->StaticTarget(), policy);
    EXPECT_TRUE(client->ConnectTo(fleet_->addresses()));
    fleet_->ResetStats();
    return client;
  }

  const std::string& address(size_t index) const {
    return fleet_->address(index);
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(HealthTest, AProbeTakesOutWhatIsNotServingAndBringsItBack) {
  auto client = ConnectToAll(Probing());
  fleet_->SetBehaviour(1, NotServing());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kDown));
  EXPECT_THAT(client->Backend(address(1)).reason, HasSubstr("NOT_SERVING"));
  fleet_->ResetStats();
  EXPECT_THAT(RunCalls(*client, 1, 30).failures, IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(1), 0);
  fleet_->SetBehaviour(1, Succeeding());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kAlive));
  RunCalls(*client, 1, 30);
  EXPECT_EQ(fleet_->CallsOf(1), 10);
  EXPECT_THAT(Changes(client->pool(), address(1)),
              ElementsAre("ALIVE -> DOWN", "DOWN -> DOWN_RETRY",
                          "DOWN_RETRY -> ALIVE"));
}

TEST_F(HealthTest, AProbeTakesOutWhatHangsAndBringsItBack) {
  auto client = ConnectToAll(Probing());
  fleet_->server(1).Stop();
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kDown));
  EXPECT_THAT(client->Backend(address(1)).reason, HasSubstr("no answer in"));
  EXPECT_THAT(RunCalls(*client, 1, 30).failures, IsEmpty());
  fleet_->server(1).Continue();
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kAlive));
  EXPECT_GT(RunCalls(*client, 1, 30).served["b1"], 0);
}

TEST_F(HealthTest, AMarkByHandOutranksProbes) {
  auto client = ConnectToAll(Probing());
  fleet_->SetBehaviour(1, NotServing());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kDown));
  client->pool().MarkHealthy(address(1));
  EXPECT_EQ(client->Backend(address(1)).state, BackendState::kAlive);
  EXPECT_GT(RunCalls(*client, 1, 30).served["b1"], 0);
}

TEST_F(HealthTest, ProbesThatSucceedDoNotEndAMark) {
  ProbedServer server([](int64_t) { return Answer::kServing; });
  auto client =
      Connect(absl::StrCat("static:///", server.address()), Probing());
  EXPECT_TRUE(client->Call().ok());
  ASSERT_TRUE(WaitUntil([&]() { return server.checks().size() >= 1; }));
  client->pool().MarkUnhealthy(server.address(), "by me");
  const size_t before = server.checks().size();
  ASSERT_TRUE(WaitUntil([&]() { return server.checks().size() > before + 4; }));
  EXPECT_EQ(client->Backend(server.address()).state, BackendState::kDown);
  EXPECT_THAT(client->Backend(server.address()).reason, HasSubstr("by me"));
}

TEST_F(HealthTest, AServerWithoutAHealthServiceIsWhatTheConfigurationSays) {
  struct Row {
    const char* setting;
    BackendState state;
  };
  for (const Row& row :
       {Row{R"(,"unimplemented":"HEALTHY")", BackendState::kAlive},
        Row{R"(,"unimplemented":"UNHEALTHY")", BackendState::kDown}}) {
    SCOPED_TRACE(row.setting);
    ProbedServer server([](int64_t) { return Answer::kUnimplemented; });
    auto client = Connect(absl::StrCat("static:///", server.address()),
                          Probing(row.setting));
    EXPECT_TRUE(client->Call().ok());
    ASSERT_TRUE(WaitUntil([&]() { return server.checks().size() > 3; }));
    EXPECT_EQ(client->Backend(server.address()).state, row.state);
  }
}

TEST_F(HealthTest, HttpAndTcpProbesFollowTheConfiguredPort) {
  struct Row {
    const char* probe;
    const char* answer;
    bool healthy;
  };
  for (const Row& row :
       {Row{"HTTP", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        Row{"HTTP", "HTTP/1.1 503 Ill\r\nContent-Length: 0\r\n\r\n", false},
        Row{"TCP", "", true}}) {
    SCOPED_TRACE(absl::StrCat(row.probe, " ", row.answer));
    auto server = std::make_unique<FixedServer>(row.answer);
    auto client = ConnectToAll(Probing(absl::StrCat(
        R"(,"probe":")", row.probe, R"(","port":)", server->port())));
    if (row.healthy) {
      EXPECT_THAT(RunCalls(*client, 1, 9).failures, IsEmpty());
      EXPECT_THAT(client->pool().GetEvents(), IsEmpty());
      // No server listens on that port any more.
      server.reset();
    }
    EXPECT_TRUE(Becomes(*client, address(0), BackendState::kDown));
  }
}

// Adds metadata that no probe may send.
class SecretPlugin final : public grpc::MetadataCredentialsPlugin {
 public:
  grpc::Status GetMetadata(
      grpc::string_ref, grpc::string_ref, const grpc::AuthContext&,
      std::multimap<grpc::string, grpc::string>* metadata) override {
    metadata->emplace("x-secret", "of the application");
    return grpc::Status::OK;
  }
};

TEST_F(HealthTest, NothingOfTheCallsReachesAProbe) {
  ProbedServer server([](int64_t) { return Answer::kServing; },
                      grpc::experimental::LocalServerCredentials(LOCAL_TCP));
  ChannelOptions options;
  options.service_config_json =
      ServiceConfig(Probing(), R"("stickyKey":{"header":"x-key"},
                    "routes":[{"match":{"method":"Get.*"}}])");
  auto channel = CreateChannel(
      absl::StrCat("static:///", server.address()),
      grpc::CompositeChannelCredentials(
          grpc::experimental::LocalCredentials(LOCAL_TCP),
          grpc::experimental::MetadataCredentialsFromPlugin(
              std::make_unique<SecretPlugin>(), GRPC_SECURITY_NONE)),
      std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = examples::users::v1::Users::NewStub(*channel);
  grpc::ClientContext context;
  context.AddMetadata("x-key", "of the call");
  context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
  examples::users::v1::UserReply reply;
  const grpc::Status status =
      stub->GetUser(&context, examples::users::v1::GetUserRequest(), &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(WaitUntil([&]() { return server.checks().size() >= 2; }));

  ASSERT_THAT(server.calls(), SizeIs(1));
  std::set<std::string> call_keys;
  const ProbedServer::Seen call = server.calls()[0];
  for (const auto& entry : call.metadata) {
    call_keys.insert(entry.first);
  }
  EXPECT_THAT(call_keys, Contains("x-secret")) << "the plugin works";
  EXPECT_THAT(call_keys, Contains("x-key"));
  for (const ProbedServer::Seen& check : server.checks()) {
    for (const auto& entry : check.metadata) {
      EXPECT_EQ(entry.first, "user-agent") << entry.second;
    }
  }
}

// Waits for ten probes of `server` since `begin`, of which `at_once` may have
// come without a wait, and checks that one prober has made them all.
void ExpectOneProber(const ProbedServer& server, absl::Time begin,
                     int at_once) {
  ASSERT_TRUE(WaitUntil([&]() { return server.checks().size() >= 10; }));
  const std::vector<ProbedServer::Seen> checks = server.checks();
  std::set<std::string> peers;
  for (const ProbedServer::Seen& check : checks) peers.insert(check.peer);
  EXPECT_THAT(peers, SizeIs(1)) << "one connection";
  // Probes are at least 0.09 s apart.
  EXPECT_LE(static_cast<double>(checks.size()),
            (checks.back().at - begin) / absl::Milliseconds(90) + at_once);
}

TEST_F(HealthTest, TwoChannelsOfOnePoolProbeABackendOnce) {
  ProbedServer server([](int64_t) { return Answer::kServing; });
  const std::string target = absl::StrCat("static:///", server.address());
  auto pool = BackendPool::Create();
  const absl::Time begin = absl::Now();
  auto one = Connect(target, Probing(), pool);
  auto two = Connect(target, Probing(), pool);
  EXPECT_THAT(RunCalls(*one, 1, 3).failures, IsEmpty());
  EXPECT_THAT(RunCalls(*two, 1, 3).failures, IsEmpty());
  ASSERT_NO_FATAL_FAILURE(ExpectOneProber(server, begin, /*at_once=*/1));
  // When one channel leaves, the other one keeps the probes going.
  one.reset();
  const size_t before = server.checks().size();
  EXPECT_TRUE(WaitUntil([&]() { return server.checks().size() > before + 2; }));
}

// Each channel has a pool of its own, and with it its own thresholds.
TEST_F(HealthTest, ChannelsOfDifferentPoolsProbeABackendOnce) {
  std::atomic<bool> serving{true};
  ProbedServer server([&](int64_t) {
    return serving ? Answer::kServing : Answer::kNotServing;
  });
  const std::string target = absl::StrCat("static:///", server.address());
  const absl::Time begin = absl::Now();
  const auto after = [](int failures) {
    return absl::StrCat(R"("health":{"active":{"interval":"0.1s",)",
                        R"("timeout":"0.3s","unhealthyAfter":)", failures,
                        "}}");
  };
  auto quick = Connect(target, after(2));
  auto slow = Connect(target, after(6));
  EXPECT_THAT(RunCalls(*quick, 1, 3).failures, IsEmpty());
  EXPECT_THAT(RunCalls(*slow, 1, 3).failures, IsEmpty());
  ASSERT_NO_FATAL_FAILURE(ExpectOneProber(server, begin, /*at_once=*/2));

  const int64_t before = static_cast<int64_t>(server.checks().size());
  serving = false;
  ASSERT_TRUE(WaitUntil([&]() {
    return slow->Backend(server.address()).state == BackendState::kDown;
  }));
  EXPECT_EQ(quick->Backend(server.address()).state, BackendState::kDown);
  EXPECT_LT(quick->Backend(server.address()).since,
            slow->Backend(server.address()).since);
  EXPECT_GE(static_cast<int64_t>(server.checks().size()), before + 5);
}

TEST_F(HealthTest, ThreeFailuresInARowTakeOutAndOneTrialBringsBack) {
  auto client = ConnectToAll(Passive(R"("downRetryAfter":"0.2s")"));
  fleet_->SetBehaviour(1, Failing());
  EXPECT_THAT(RunCalls(*client, 1, 30).failures, IsEmpty());
  EXPECT_EQ(client->Backend(address(1)).state, BackendState::kDown);
  EXPECT_EQ(fleet_->CallsOf(1), 3);
  EXPECT_THAT(client->Backend(address(1)).reason, HasSubstr("told to fail"));

  // The trial call hangs; of many calls only one becomes the trial.
  fleet_->SetBehaviour(1, Hanging());
  fleet_->ResetStats();
  BackgroundLoad load(*client, /*threads=*/4);
  ASSERT_TRUE(WaitUntil([&]() { return fleet_->CallsOf(1) == 1; }));
  const int64_t calls_before = load.calls();
  ASSERT_TRUE(WaitUntil([&]() { return load.calls() > calls_before + 200; }));
  EXPECT_EQ(fleet_->CallsOf(1), 1);
  EXPECT_EQ(client->Backend(address(1)).state, BackendState::kDownRetry);
  // Now the trial is released and gets its answer.
  fleet_->SetBehaviour(1, Succeeding());
  EXPECT_TRUE(Becomes(*client, address(1), BackendState::kAlive));
  EXPECT_THAT(load.Stop().failures, IsEmpty());
  EXPECT_THAT(Changes(client->pool(), address(1)),
              ElementsAre("ALIVE -> DOWN", "DOWN -> DOWN_RETRY",
                          "DOWN_RETRY -> ALIVE"));
}

TEST_F(HealthTest, AnUnansweredAttemptIsAFailure) {
  auto client = ConnectToAll(
      absl::StrCat(R"("failover":{"perTryTimeout":"0.2s"},)",
                   Passive(R"("unhealthyAfter":2,"overloadedFor":"0.05s")")));
  fleet_->server(1).Stop();
  EXPECT_TRUE(WaitUntil([&]() {
    EXPECT_TRUE(client->Call().ok());
    return client->Backend(address(1)).state == BackendState::kDown;
  }));
  fleet_->server(1).Continue();
}

TEST_F(HealthTest, ErrorsOfTheApplicationNeverCount) {
  auto client = ConnectToAll(Passive(R"("failureRate":{"minCalls":5})"));
  for (const char* code : {"NOT_FOUND", "INVALID_ARGUMENT", "INTERNAL",
                           "PERMISSION_DENIED", "ABORTED", "UNKNOWN"}) {
    for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Failing(code));
    EXPECT_EQ(RunCalls(*client, 1, 30).failed, 30) << code;
    EXPECT_THAT(client->pool().GetEvents(), IsEmpty()) << code;
  }
}

TEST_F(HealthTest, AnOverloadedBackendIsAvoidedButNotLeft) {
  auto client = ConnectToAll(Passive(R"("overloadedFor":"60s")"));
  fleet_->SetBehaviour(1, Failing("RESOURCE_EXHAUSTED"));
  EXPECT_EQ(RunCalls(*client, 1, 30).failed, 1);
  EXPECT_EQ(client->Backend(address(1)).state, BackendState::kOverloaded);
  EXPECT_TRUE(client->Backend(address(1)).healthy);
  EXPECT_EQ(fleet_->CallsOf(1), 1);
  // No other backend is left.
  fleet_->SetBehaviour(1, Succeeding());
  client->pool().MarkUnhealthy(address(0));
  client->pool().MarkUnhealthy(address(2));
  EXPECT_EQ(client->Call().served_by, "b1");
  EXPECT_EQ(client->Backend(address(1)).state, BackendState::kAlive)
      << "it has answered";
}

TEST_F(HealthTest, TheFailureRateEjectsNoMoreThanItMay) {
  auto client = ConnectToAll(Passive(
      R"("unhealthyAfter":1000,"downRetryAfter":"0.3s",
         "maxDownRetryAfter":"0.3s","maxEjectedPercent":34,
         "failureRate":{"threshold":0.2,"window":"0.5s","minCalls":5})"));
  examples::users::v1::Behaviour half = Failing();
  half.set_fail_every(2);
  for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, half);
  BackgroundLoad load(*client, /*threads=*/3);
  const auto downs = [&]() {
    int count = 0;
    for (const PoolEvent& event : client->pool().GetEvents()) {
      count += event.from == "ALIVE" && event.to == "DOWN";
    }
    return count;
  };
  ASSERT_TRUE(WaitUntil([&]() { return downs() >= 3; }));
  load.Stop();
  std::set<std::string> down;
  for (const PoolEvent& event : client->pool().GetEvents()) {
    if (event.to == "DOWN") {
      EXPECT_THAT(event.reason, testing::AnyOf(HasSubstr("% of the calls"),
                                               HasSubstr("told to fail")));
      down.insert(event.who);
    }
    if (event.to == "ALIVE") down.erase(event.who);
    EXPECT_LE(down.size(), 1u) << event.ToString();
  }
}

TEST_F(HealthTest, BelowThePanicThresholdIllBackendsGetCallsToo) {
  const std::string config = Probing();
  auto client = ConnectToAll(absl::StrCat(config.substr(0, config.size() - 1),
                                          R"(,"panicThreshold":50})"));
  for (size_t i : {1, 2}) fleet_->SetBehaviour(i, NotServing());
  for (size_t i : {1, 2}) {
    ASSERT_TRUE(Becomes(*client, address(i), BackendState::kDown));
  }
  const auto panics = [&](const char* to) {
    return WaitUntil([&]() {
      for (const PoolEvent& event : client->pool().GetEvents()) {
        if (event.kind == PoolEvent::Kind::kPanic && event.to == to) {
          return true;
        }
      }
      return false;
    });
  };
  ASSERT_TRUE(panics("on"));
  EXPECT_THAT(RunCalls(*client, 1, 30).served, SizeIs(3));
  // A mark still holds.
  client->pool().MarkUnhealthy(address(2));
  EXPECT_EQ(RunCalls(*client, 1, 30).served.count("b2"), 0u);
  fleet_->SetBehaviour(1, Succeeding());
  EXPECT_TRUE(panics("off"));
}

TEST_F(HealthTest, ABackendThatComesBackStartsSlowly) {
  const std::string config = Probing();
  auto client = ConnectToAll(absl::StrCat(config.substr(0, config.size() - 1),
                                          R"(,"slowStart":"60s"})"));
  fleet_->SetBehaviour(1, NotServing());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kDown));
  fleet_->SetBehaviour(1, Succeeding());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kAlive));
  // The backend gets a tenth of its share, 10 of 300; 0 or 40 occur once in
  // 20,000 runs.
  const int64_t served = RunCalls(*client, 1, 300).served["b1"];
  EXPECT_GT(served, 0);
  EXPECT_LT(served, 40);
}

TEST_F(HealthTest, ABackendAtItsLimitGetsNoMoreCalls) {
  auto client = ConnectToAll(R"("maxRequestsPerBackend":2)");
  for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Hanging());
  std::vector<std::unique_ptr<PendingCall>> calls;
  // The first two calls fill one backend, so the others get all that follow.
  for (size_t i : {1, 2}) client->pool().MarkUnhealthy(address(i));
  for (int64_t count = 1; count <= 6; ++count) {
    if (count == 3) {
      for (size_t i : {1, 2}) client->pool().MarkHealthy(address(i));
    }
    calls.push_back(std::make_unique<PendingCall>(*client, UsersCall()));
    ASSERT_TRUE(WaitUntil([&]() { return client->InFlight() == count; }));
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(client->Backend(address(i)).in_flight, 2) << i;
  }
  const CallOutcome refused = client->Call();
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.status.error_message(), HasSubstr("not sent"));
  // One call ends, so one more may be sent.
  fleet_->SetBehaviour(1, Succeeding());
  ASSERT_TRUE(WaitUntil([&]() { return client->InFlight() == 4; }));
  EXPECT_EQ(client->Call().served_by, "b1");
}

TEST_F(HealthTest, EachChangeIsAnEventAndInTheChannelsTrace) {
  auto client = ConnectToAll(Probing());
  const absl::Time before = absl::Now();
  fleet_->SetBehaviour(1, NotServing());
  ASSERT_TRUE(Becomes(*client, address(1), BackendState::kDown));
  client->pool().MarkUnhealthy(address(2), "on fire");
  const std::vector<PoolEvent> events = client->pool().GetEvents();
  ASSERT_THAT(events, SizeIs(2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(events[i].sequence, i + 1);
    EXPECT_EQ(events[i].kind, PoolEvent::Kind::kState);
    EXPECT_EQ(events[i].who, address(i + 1));
    EXPECT_EQ(events[i].from, "ALIVE");
    EXPECT_EQ(events[i].to, "DOWN");
    EXPECT_GE(events[i].time, before);
    EXPECT_LE(events[i].time, absl::Now() + absl::Seconds(1));
  }
  EXPECT_THAT(events[0].reason, HasSubstr("NOT_SERVING"));
  EXPECT_THAT(events[1].reason, HasSubstr("on fire"));
  EXPECT_THAT(client->pool().GetEvents(/*after=*/1), SizeIs(1));

  // Core's own view, through channelz.
  for (size_t i : {1, 2}) {
    const std::string line =
        absl::StrCat("multi_backend: ", address(i), ": ALIVE -> DOWN: ");
    EXPECT_TRUE(WaitUntil([&line]() {
      char* text = grpc_channelz_get_top_channels(0);
      const bool found = absl::StrContains(text, line);
      gpr_free(text);
      return found;
    })) << line;
  }
}

}  // namespace
}  // namespace multi_backend

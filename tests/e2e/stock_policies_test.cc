// What the LB policies of gRPC 1.83 do in situations that this library is made
// for.  The table in docs/compatibility.md is what these tests print.
#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/accepted_connections.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/started_call.h"
#include "multi_backend/tests/testing/stock_settings.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr char kKey[] = "x-key";
constexpr int kBackends = 3;

// A loadBalancingConfig entry of gRPC's, with three attempts, or the members of
// this library's configuration.
struct Policy {
  std::string name;
  std::string stock;
  std::string ours = "";
  std::string routing = "";
};

const Policy kRoundRobin{"round_robin", R"({"round_robin":{}})"};
const Policy kWeightedRoundRobin{
    "weighted_round_robin",
    R"({"weighted_round_robin":{"blackoutPeriod":"0s",
                                "weightUpdatePeriod":"0.1s"}})"};
const Policy kRingHash{
    "ring_hash", R"({"ring_hash_experimental":{"requestHashHeader":"x-key"}})"};
const Policy kOutlierDetection{"outlier_detection",
                               R"({"outlier_detection_experimental":{
    "interval":"0.1s","baseEjectionTime":"1s","maxEjectionPercent":50,
    "failurePercentageEjection":{"threshold":50,"minimumHosts":3,
                                 "requestVolume":5},
    "childPolicy":[{"round_robin":{}}]}})"};
const Policy kOurs{"multi_backend", "", R"("strategy":"PEAK_EWMA")"};
const Policy kOursPool{"multi_backend, pool", "",
                       R"("pool":{"max":4,"maxStreamsPerConnection":5})"};
const Policy kOursSticky{"multi_backend, STICKY", "", R"("strategy":"STICKY")",
                         R"("stickyKey":{"header":"x-key"})"};

// The calls that failed, and which backends answered each key.
struct Outcome {
  int64_t failed = 0;
  std::map<std::string, std::set<std::string>> backends;  // By key.
  std::map<std::string, int64_t> served;                  // By backend.
};

class StockPoliciesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    EnableConnectionScaling();
    // Core reads requestHashHeader only with this.
    setenv("GRPC_EXPERIMENTAL_RING_HASH_SET_REQUEST_HASH_KEY", "true",
           /*overwrite=*/1);
    ASSERT_TRUE(Register().ok());
  }

  void Start(size_t backends, const std::vector<std::string>& flags = {}) {
    auto fleet = BackendFleet::Start(backends, flags);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  // `more` goes into StockConfig().  The library's own policy ignores it.
  std::unique_ptr<Users::Stub> Connect(const Policy& policy,
                                       absl::string_view more = "") {
    const auto credentials = grpc::InsecureChannelCredentials();
    if (!policy.stock.empty()) {
      grpc::ChannelArguments args;
      args.SetServiceConfigJSON(StockConfig(policy.stock, more));
      return Users::NewStub(
          grpc::CreateCustomChannel(fleet_->Ipv4Target(), credentials, args));
    }
    ChannelOptions options;
    options.service_config_json = ServiceConfig(policy.ours, policy.routing);
    auto channel =
        CreateChannel(fleet_->StaticTarget(), credentials, std::move(options));
    EXPECT_TRUE(channel.ok()) << channel.status();
    return channel.ok() ? Users::NewStub(*channel) : nullptr;
  }

  // Calls until every backend has answered, so that all are connected.
  void CallAll(Users::Stub& stub) {
    std::set<std::string> answered;
    int call = 0;
    EXPECT_TRUE(WaitUntil([&]() {
      UserReply reply;
      if (Call(stub, absl::StrCat("first", call++), &reply).ok()) {
        answered.insert(reply.served_by());
      }
      return answered.size() == fleet_->size();
    }));
  }

  static grpc::Status Call(Users::Stub& stub, const std::string& key,
                           UserReply* reply) {
    grpc::ClientContext context;
    context.AddMetadata(kKey, key);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kTestTimeout));
    return stub.GetUser(&context, GetUserRequest(), reply);
  }

  // `calls` calls from eight threads, with as many keys as there are calls
  // divided by `calls_per_key`.
  static Outcome Load(Users::Stub& stub, int calls, int calls_per_key) {
    constexpr int kThreads = 8;
    std::atomic<int> next{0};
    std::vector<Outcome> outcomes(kThreads);
    std::vector<std::thread> threads;
    for (Outcome& outcome : outcomes) {
      threads.emplace_back([&, calls, calls_per_key]() {
        for (int i = next++; i < calls; i = next++) {
          const std::string key = absl::StrCat("key", i / calls_per_key);
          UserReply reply;
          if (!Call(stub, key, &reply).ok()) {
            ++outcome.failed;
            continue;
          }
          outcome.backends[key].insert(reply.served_by());
          ++outcome.served[reply.served_by()];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    Outcome sum;
    for (const Outcome& outcome : outcomes) {
      sum.failed += outcome.failed;
      for (const auto& [key, names] : outcome.backends) {
        sum.backends[key].insert(names.begin(), names.end());
      }
      for (const auto& [name, count] : outcome.served) {
        sum.served[name] += count;
      }
    }
    return sum;
  }

  static void Print(const Policy& policy, absl::string_view what,
                    const std::string& value) {
    std::printf("| %s | %s | %s |\n", policy.name.c_str(),
                std::string(what).c_str(), value.c_str());
  }

  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(StockPoliciesTest, OneOfThreeFailsAlways) {
  constexpr int kCalls = 300;
  std::map<std::string, int64_t> failed;
  for (const Policy& policy : {kRoundRobin, kWeightedRoundRobin, kRingHash,
                               kOutlierDetection, kOurs, kOursSticky}) {
    Start(kBackends);
    const auto stub = Connect(policy);
    CallAll(*stub);
    fleet_->SetBehaviour(1, Failing());
    failed[policy.name] = Load(*stub, kCalls, 1).failed;
    Print(policy, "one of three fails always: calls of 300 that fail",
          absl::StrCat(failed[policy.name]));
  }
  EXPECT_EQ(failed[kOurs.name], 0);
  EXPECT_EQ(failed[kOursSticky.name], 0);
  EXPECT_GT(failed[kRingHash.name], 0)
      << "each attempt has the same hash, and so the same backend";
}

TEST_F(StockPoliciesTest, CallsWithOneHeaderStayTogether) {
  constexpr int kKeys = 40;
  for (const Policy& policy : {kRoundRobin, kRingHash, kOursSticky}) {
    Start(kBackends);
    const auto stub = Connect(policy);
    CallAll(*stub);
    const Outcome outcome = Load(*stub, 4 * kKeys, 4);
    int together = 0;
    for (const auto& [key, names] : outcome.backends) {
      together += names.size() == 1;
    }
    Print(policy, "keys of 40 that stay on one backend",
          absl::StrCat(together));
    if (policy.name != kRoundRobin.name) {
      EXPECT_EQ(together, kKeys);
    }
  }
}

TEST_F(StockPoliciesTest, OneOfThreeIsSlow) {
  constexpr int kCalls = 240;
  std::map<std::string, double> share;
  for (const Policy& policy :
       {kRoundRobin, kWeightedRoundRobin, kOutlierDetection, kOurs}) {
    Start(kBackends);
    const auto stub = Connect(policy);
    CallAll(*stub);
    // Slower than a fast backend can appear on a busy machine.
    fleet_->SetBehaviour(1, Slow(absl::Milliseconds(500)));
    Outcome outcome = Load(*stub, kCalls, 1);
    share[policy.name] = static_cast<double>(outcome.served["b1"]) / kCalls;
    Print(policy, "one of three answers after 500 ms: its share of the calls",
          absl::StrCat(share[policy.name]));
  }
  // The backends report no load, so weighted_round_robin knows no weights.
  EXPECT_GT(share[kRoundRobin.name], 0.25);
  EXPECT_GT(share[kWeightedRoundRobin.name], 0.25);
  EXPECT_GT(share[kOutlierDetection.name], 0.25);
  EXPECT_LT(share[kOurs.name], 0.15);
}

// A server allows five streams on a connection, and twenty calls begin at once.
TEST_F(StockPoliciesTest, AServerAllowsFewStreams) {
  struct Row {
    Policy policy;
    int connections;
  };
  for (const Row& row :
       {Row{kRoundRobin, 1}, Row{kRoundRobin, 4}, Row{kOursPool, 4}}) {
    SCOPED_TRACE(row.policy.name);
    const int connections = row.connections;
    Start(1, {"--max-concurrent-streams", "5"});
    const auto stub = Connect(row.policy, ConnectionScaling(connections));
    CallAll(*stub);
    fleet_->ResetStats();
    fleet_->SetBehaviour(0, Hanging());
    std::vector<std::unique_ptr<StartedCall>> calls;
    for (int i = 0; i < 20; ++i) {
      calls.push_back(
          std::make_unique<StartedCall>(*stub, StartedCall::Options()));
    }
    EXPECT_TRUE(WaitUntil(
        [&]() { return fleet_->CallsOf(0, "GetUser") >= 5 * connections; }));
    EXPECT_EQ(AcceptedConnections(fleet_->server(0).port()), connections);
    Print(row.policy,
          absl::StrCat("five streams a connection, at most ", connections,
                       " connections: calls of 20 that begin"),
          absl::StrCat(fleet_->CallsOf(0, "GetUser")));
  }
}

TEST_F(StockPoliciesTest, ThereIsNoRandomSubsetting) {
  Start(1);
  const auto stub = Connect({"random_subsetting",
                             R"({"random_subsetting_experimental":
                                 {"subsetSize":1,
                                  "childPolicy":[{"round_robin":{}}]}})"});
  UserReply reply;
  const grpc::Status status = Call(*stub, "", &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace multi_backend

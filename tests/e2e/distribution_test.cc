// How each strategy spreads calls over real backends, measured by the servers'
// own counts.
//
// Where chance decides, a check allows six standard deviations: it fails by
// chance less than once in 10^8 runs.

#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

int64_t SixDeviations(int64_t calls, double share) {
  return static_cast<int64_t>(6 * std::sqrt(calls * share * (1 - share)));
}

class DistributionTest : public ::testing::Test {
 protected:
  // Starts three backends and a client with this policy that is connected to
  // all of them.  `backends` holds the configuration's attributes of each
  // backend.
  void Start(absl::string_view policy,
             const std::vector<std::string>& backends = {},
             const std::vector<size_t>& expect_calls_on = {0, 1, 2}) {
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    std::vector<std::string> entries;
    for (size_t i = 0; i < backends.size(); ++i) {
      entries.push_back(absl::StrCat(R"({"address":")", fleet_->address(i),
                                     R"(",)", backends[i], "}"));
    }
    auto client = UsersClient::Make(
        fleet_->StaticTarget(),
        ServiceConfig(absl::StrCat(policy, R"(,"backends":[)",
                                   absl::StrJoin(entries, ","), "]"),
                      R"("stickyKey":{"header":"x-key"})"));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    std::vector<std::string> addresses;
    for (size_t i : expect_calls_on) addresses.push_back(fleet_->address(i));
    ASSERT_TRUE(client_->ConnectTo(addresses));
    fleet_->ResetStats();
  }

  // Makes `calls` calls one after the other; returns the servers' counts by
  // name.
  std::map<std::string, int64_t> Counts(int64_t calls) {
    const LoadResult load = RunCalls(*client_, /*threads=*/1, calls);
    EXPECT_THAT(load.failures, IsEmpty());
    std::map<std::string, int64_t> counts = fleet_->CallsByName();
    EXPECT_EQ(counts["b0"] + counts["b1"] + counts["b2"], calls);
    return counts;
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(DistributionTest, RoundRobinIsExactlyEven) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"ROUND_ROBIN")"));
  EXPECT_THAT(Counts(300),
              ElementsAre(Pair("b0", 100), Pair("b1", 100), Pair("b2", 100)));
}

TEST_F(DistributionTest, WeightedFollowsTheWeights) {
  ASSERT_NO_FATAL_FAILURE(
      Start(R"("strategy":"WEIGHTED")",
            {R"("weight":3000)", R"("weight":2000)", R"("weight":1000)"}));
  std::map<std::string, int64_t> counts = Counts(600);
  EXPECT_NEAR(counts["b0"], 300, 3);
  EXPECT_NEAR(counts["b1"], 200, 3);
  EXPECT_NEAR(counts["b2"], 100, 3);
}

TEST_F(DistributionTest, WeightZeroDrains) {
  ASSERT_NO_FATAL_FAILURE(
      Start(R"("strategy":"WEIGHTED")",
            {R"("weight":1)", R"("weight":0)", R"("weight":1)"}, {0, 2}));
  EXPECT_THAT(Counts(100),
              ElementsAre(Pair("b0", 50), Pair("b1", 0), Pair("b2", 50)));
}

TEST_F(DistributionTest, RandomFollowsTheWeightsByChance) {
  ASSERT_NO_FATAL_FAILURE(
      Start(R"("strategy":"RANDOM")",
            {R"("weight":2000)", R"("weight":1000)", R"("weight":1000)"}));
  constexpr int64_t kCalls = 1200;
  std::map<std::string, int64_t> counts = Counts(kCalls);
  EXPECT_NEAR(counts["b0"], kCalls / 2, SixDeviations(kCalls, 0.5));
  EXPECT_NEAR(counts["b1"], kCalls / 4, SixDeviations(kCalls, 0.25));
  EXPECT_NEAR(counts["b2"], kCalls / 4, SixDeviations(kCalls, 0.25));
}

TEST_F(DistributionTest, LeastBusySpreadsAtRandomWhileAllAreIdle) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"LEAST_BUSY")"));
  constexpr int64_t kCalls = 900;
  for (const auto& count : Counts(kCalls)) {
    EXPECT_NEAR(count.second, kCalls / 3, SixDeviations(kCalls, 1 / 3.0))
        << count.first;
  }
}

TEST_F(DistributionTest, LeastBusyPassesOverTheBackendsThatHaveCallsInFlight) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"LEAST_BUSY")"));
  for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Hanging());
  // The second call must avoid the backend on which the first one hangs.
  PendingCall first(*client_, UsersCall());
  ASSERT_TRUE(WaitUntil([this]() { return client_->InFlight() == 1; }));
  PendingCall second(*client_, UsersCall());
  ASSERT_TRUE(WaitUntil([this]() { return client_->InFlight() == 2; }));
  size_t idle = 3;
  for (size_t i = 0; i < 3; ++i) {
    const int64_t busy = client_->Backend(fleet_->address(i)).in_flight;
    EXPECT_LE(busy, 1);
    if (busy == 0) idle = i;
  }
  ASSERT_LT(idle, 3u);
  fleet_->SetBehaviour(idle, Succeeding());
  fleet_->ResetStats();
  const LoadResult load = RunCalls(*client_, /*threads=*/1, 200);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(idle), 200);
}

TEST_F(DistributionTest, PeakEwmaAvoidsTheSlowBackend) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"PEAK_EWMA")"));
  // Slower than a fast backend can appear on a busy machine.
  fleet_->SetBehaviour(1, Slow(absl::Milliseconds(500)));
  std::map<std::string, int64_t> counts = Counts(600);
  // Once its latency is known, the slow backend loses every comparison and gets
  // only an occasional probe.
  EXPECT_LE(counts["b1"], 12);
  EXPECT_GT(counts["b0"], 50);
  EXPECT_GT(counts["b2"], 50);
}

TEST_F(DistributionTest, PrimaryTakesTheFirstByPriorityAndThenOrder) {
  ASSERT_NO_FATAL_FAILURE(
      Start(R"("strategy":"PRIMARY")",
            {R"("priority":1)", R"("priority":0)", R"("priority":0)"}, {1}));
  EXPECT_THAT(Counts(200),
              ElementsAre(Pair("b0", 0), Pair("b1", 200), Pair("b2", 0)));
}

TEST_F(DistributionTest, StickyGivesEachKeyOneBackend) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"STICKY")"));
  constexpr int kKeys = 300;
  std::map<std::string, int64_t> keys_of;
  for (int key = 0; key < kKeys; ++key) {
    UsersCall call;
    call.metadata = {{"x-key", absl::StrCat("user-", key)}};
    std::set<std::string> backends;
    for (int repeat = 0; repeat < 3; ++repeat) {
      const CallOutcome outcome = client_->Call(call);
      ASSERT_TRUE(outcome.ok()) << outcome.ToString();
      backends.insert(outcome.served_by);
    }
    ASSERT_EQ(backends.size(), 1u) << "key " << key;
    ++keys_of[*backends.begin()];
  }
  for (const char* name : {"b0", "b1", "b2"}) {
    EXPECT_NEAR(keys_of[name], kKeys / 3, SixDeviations(kKeys, 1 / 3.0))
        << name;
  }
}

TEST_F(DistributionTest, StickyWithoutAKeyTakesAnyBackend) {
  ASSERT_NO_FATAL_FAILURE(Start(R"("strategy":"STICKY")"));
  constexpr int64_t kCalls = 600;
  for (const auto& count : Counts(kCalls)) {
    EXPECT_NEAR(count.second, kCalls / 3, SixDeviations(kCalls, 1 / 3.0))
        << count.first;
  }
}

}  // namespace
}  // namespace multi_backend

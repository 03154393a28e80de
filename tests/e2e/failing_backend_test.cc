// One backend answers every call with UNAVAILABLE.  Under each strategy the
// calls go on to other backends, each time to one that they have not tried.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/metadata_dump.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;

class EveryStrategyTest : public ::testing::TestWithParam<const char*> {
 protected:
  void Start(int max_retries) {
    auto fleet = BackendFleet::Start({dump_.Record({"b0", "", {}}),
                                      dump_.Record({"b1", "", {}}),
                                      dump_.Record({"b2", "", {}})});
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    auto client = UsersClient::Make(
        fleet_->StaticTarget(),
        ServiceConfig(
            absl::StrCat(kFailedCallsDoNotCount, R"(,"strategy":")", GetParam(),
                         R"(","failover":{"maxRetries":)", max_retries,
                         R"(,"budget":{"ratio":1.0,
                                       "minRetriesPerSecond":10000}})"),
            R"("stickyKey":{"header":"x-key"})"));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  // For each call id, the backends that its attempts went to, in order.
  std::map<std::string, std::vector<std::string>> BackendsByCall() const {
    std::map<std::string, std::vector<std::string>> backends;
    for (const auto& call : dump_.ByCall(*fleet_)) {
      for (const SeenAttempt& attempt : call.second) {
        backends[call.first].push_back(attempt.backend);
        EXPECT_EQ(static_cast<size_t>(attempt.number),
                  backends[call.first].size());
      }
    }
    return backends;
  }

  const MetadataDump dump_;
  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

UsersCall WithKey(int64_t index) {
  UsersCall call;
  call.metadata = {{"x-key", absl::StrCat("user-", index)}};
  return call;
}

TEST_P(EveryStrategyTest, NoCallFailsWhenOneOfThreeBackendsFailsEveryCall) {
  ASSERT_NO_FATAL_FAILURE(Start(/*max_retries=*/2));
  // PRIMARY chooses the failing backend first.
  fleet_->SetBehaviour(0, Failing());
  const LoadResult load =
      RunCalls(*client_, /*threads=*/4, /*calls=*/2000, WithKey);
  EXPECT_EQ(load.failed, 0);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(load.served.count("b0"), 0u);

  const auto backends_by_call = BackendsByCall();
  EXPECT_EQ(backends_by_call.size(), 2000u);
  int64_t retried = 0;
  for (const auto& call : backends_by_call) {
    const std::vector<std::string>& backends = call.second;
    if (backends.size() == 1) continue;
    ++retried;
    EXPECT_EQ(backends.size(), 2u) << call.first;
    EXPECT_EQ(backends[0], "b0") << call.first;
    EXPECT_NE(backends[1], "b0") << call.first;
  }
  EXPECT_EQ(retried, fleet_->CallsOf(0));
  // PEAK_EWMA learns to avoid the failing backend; one call may be enough.
  EXPECT_GE(retried, 1);
}

// The caller gets the last backend's status unchanged.
void ExpectStatusOf(const std::string& backend, const CallOutcome& outcome) {
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(outcome.status.error_message(),
            absl::StrCat("backend ", backend, " was told to fail"));
  EXPECT_EQ(outcome.answered_by, backend) << "trailing metadata";
}

TEST_P(EveryStrategyTest, EachBackendIsTriedOnceWhenAllFail) {
  for (int max_retries : {2, 4}) {
    ASSERT_NO_FATAL_FAILURE(Start(max_retries));
    for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Failing());
    std::vector<CallOutcome> outcomes;
    for (int i = 0; i < 50; ++i) outcomes.push_back(client_->Call(WithKey(i)));
    auto backends_by_call = BackendsByCall();
    for (const CallOutcome& outcome : outcomes) {
      const std::vector<std::string>& backends = backends_by_call[outcome.id];
      ASSERT_EQ(backends.size(), 3u) << outcome.ToString();
      EXPECT_EQ(std::set<std::string>(backends.begin(), backends.end()).size(),
                3u);
      ExpectStatusOf(backends.back(), outcome);
    }
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(fleet_->CallsOf(i), 50);
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, EveryStrategyTest,
                         ::testing::Values("ROUND_ROBIN", "WEIGHTED",
                                           "LEAST_BUSY", "PEAK_EWMA", "STICKY",
                                           "PRIMARY", "RANDOM"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace multi_backend

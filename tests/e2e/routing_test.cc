// Routes: which backends a method's calls may go to, checked by the servers'
// own counts.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;

constexpr char kReadWriteRoutes[] = R"("routes":[
    {"match":{"method":"(Create|Update|Delete).*"},"role":"primary"},
    {"match":{"method":"(Find|List|Get).*"},"role":"replica"}])";

const char* const kWriteMethods[] = {"CreateUser", "UpdateUser", "DeleteUser"};

UsersCall Method(const std::string& method) {
  UsersCall call;
  call.method = method;
  return call;
}

UsersCall Write(int64_t index) { return Method(kWriteMethods[index % 3]); }

class RoutingTest : public ::testing::Test {
 protected:
  // Backends of these roles, named by role and index ("replica1"); the roles
  // come from the configuration.
  void Start(const std::vector<std::string>& roles, absl::string_view routing,
             absl::string_view policy = R"("strategy":"ROUND_ROBIN")") {
    std::vector<BackendSpec> specs;
    for (const std::string& role : roles) {
      specs.push_back({absl::StrCat(role, specs.size()), role, {}});
    }
    auto fleet = BackendFleet::Start(specs);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    auto client = UsersClient::Make(
        "static:///",
        ServiceConfig(absl::StrCat(policy, ",", fleet_->BackendsField()),
                      routing));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  int64_t WritesOn(size_t index) {
    int64_t writes = 0;
    for (const char* method : kWriteMethods) {
      writes += fleet_->CallsOf(index, method);
    }
    return writes;
  }

  // Checks that a call of `method` is served by `backend`.
  void ExpectServedBy(const std::string& backend, const std::string& method) {
    const CallOutcome outcome = client_->Call(Method(method));
    EXPECT_TRUE(outcome.ok()) << outcome.ToString();
    EXPECT_EQ(outcome.served_by, backend) << method;
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

class ReadWriteSplitTest : public RoutingTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(
        Start({"primary", "replica", "replica"}, kReadWriteRoutes));
  }
};

TEST_F(ReadWriteSplitTest, WritesGoToThePrimaryAndReadsToTheReplicas) {
  const LoadResult load =
      RunCalls(*client_, /*threads=*/4, /*calls=*/600, [](int64_t index) {
        return index % 2 == 0 ? Write(index / 2) : Method("GetUser");
      });
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(WritesOn(0), 300);
  EXPECT_EQ(fleet_->CallsOf(0), 300);
  EXPECT_EQ(fleet_->CallsOf(1, "GetUser") + fleet_->CallsOf(2, "GetUser"), 300);
  EXPECT_EQ(WritesOn(1) + WritesOn(2), 0);
}

TEST_F(ReadWriteSplitTest, WritesFailAndSayWhyWhenThePrimaryIsDown) {
  ExpectServedBy("primary0", "CreateUser");
  fleet_->server(0).Kill();
  ASSERT_TRUE(client_->AwaitHealth(fleet_->address(0), false));
  for (int i = 0; i < 30; ++i) {
    const CallOutcome outcome = client_->Call(Write(i));
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    // Until it tries again, gRPC 1.83 says how it lost the connection.
    EXPECT_THAT(outcome.status.error_message(),
                MatchesRegex(absl::StrCat(
                    "multi_backend: no usable backend with role "
                    "\"primary\", the call was not sent: ",
                    fleet_->address(0), " \\(.*(refused|reset by peer).*\\)")));
  }
  EXPECT_EQ(WritesOn(1) + WritesOn(2), 0);
  EXPECT_TRUE(client_->Call(Method("GetUser")).ok());
}

TEST_F(ReadWriteSplitTest, NoWriteReachesAReplicaWhileThePrimaryDies) {
  BackgroundLoad load(*client_, /*threads=*/4, Write);
  ASSERT_TRUE(WaitUntil([this]() { return WritesOn(0) > 50; }));
  fleet_->server(0).Kill();
  const int64_t calls = load.calls();
  ASSERT_TRUE(WaitUntil([&]() { return load.calls() > calls + 200; }));
  const LoadResult result = load.Stop();
  EXPECT_GT(result.failed, 0);
  EXPECT_EQ(WritesOn(1) + WritesOn(2), 0);
}

TEST_F(ReadWriteSplitTest, AMarkedPrimaryIsNamedWithItsReason) {
  ExpectServedBy("primary0", "CreateUser");
  client_->pool().MarkUnhealthy(fleet_->address(0), "maintenance");
  const CallOutcome outcome = client_->Call(Method("CreateUser"));
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(
      outcome.status.error_message(),
      absl::StrCat("multi_backend: no usable backend with role "
                   "\"primary\", the call was not sent: ",
                   fleet_->address(0), " (marked unhealthy: maintenance)"));
  EXPECT_EQ(WritesOn(1) + WritesOn(2), 0);
}

TEST_F(ReadWriteSplitTest, AWriteThatThePrimaryRefusesIsTriedNowhereElse) {
  fleet_->SetBehaviour(0, Failing());
  const CallOutcome outcome = client_->Call(Method("CreateUser"));
  EXPECT_EQ(outcome.status.error_message(),
            "backend primary0 was told to fail");
  EXPECT_EQ(WritesOn(0), 1);
  EXPECT_EQ(WritesOn(1) + WritesOn(2), 0);
}

TEST_F(ReadWriteSplitTest, AReadThatAReplicaRefusesIsTriedOnTheOtherOne) {
  fleet_->SetBehaviour(1, Failing());
  const LoadResult load = RunCalls(*client_, /*threads=*/1, /*calls=*/50);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(load.served.size(), 1u);
  EXPECT_EQ(fleet_->CallsOf(0), 0);
}

TEST_F(RoutingTest, TheFirstRouteThatMatchesDecides) {
  ASSERT_NO_FATAL_FAILURE(Start({"a", "b", "c"}, R"("routes":[
      {"match":{"method":"GetUser"},"role":"a"},
      {"match":{"method":"Get.*|Find.*"},"role":"b"},
      {"match":{"method":"Create.*","service":"nobody\\..*"},"role":"a"},
      {"match":{"method":"Create.*","service":"examples\\.users\\..*"},
       "role":"c"},
      {"role":"b"}])"));
  ExpectServedBy("a0", "GetUser");
  ExpectServedBy("b1", "FindUser");
  ExpectServedBy("c2", "CreateUser");
  ExpectServedBy("b1", "DeleteUser");
}

TEST_F(RoutingTest, AMethodThatNoRouteMatchesUsesTheDefault) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"primary", "replica", "replica"},
            R"("routes":[{"match":{"method":"Create"},"role":"primary"}])"));
  ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  fleet_->ResetStats();
  // "Create" is matched against the whole name.
  const LoadResult load =
      RunCalls(*client_, /*threads=*/1, /*calls=*/90, [](int64_t index) {
        return Method(index % 2 ? "CreateUser" : "GetUser");
      });
  EXPECT_THAT(load.failures, IsEmpty());
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(fleet_->CallsOf(i), 30);
}

TEST_F(RoutingTest, ARoleThatNoBackendHasFailsAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"primary"}, R"("routes":[{"role":"nobody"}])"));
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(outcome.status.error_message(),
            "multi_backend: no usable backend with role \"nobody\", the call "
            "was not sent: the endpoint list has none");
  EXPECT_EQ(fleet_->CallsOf(0), 0);
}

TEST_F(RoutingTest, WhenUnavailableAnyLetsTheOthersServe) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"primary", "replica"},
            R"("routes":[{"role":"replica","whenUnavailable":"ANY"}])"));
  // While the role's own backend is still connecting, any other may serve.
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1)}));
  ExpectServedBy("replica1", "GetUser");
  client_->pool().MarkUnhealthy(fleet_->address(1));
  ExpectServedBy("primary0", "GetUser");
  client_->pool().MarkHealthy(fleet_->address(1));
  ExpectServedBy("replica1", "GetUser");
  // A retry may go there, too, when the role has no further backend.
  fleet_->SetBehaviour(1, Failing());
  fleet_->ResetStats();
  ExpectServedBy("primary0", "GetUser");
  EXPECT_EQ(fleet_->CallsOf(1), 1);
}

TEST_F(RoutingTest, WhenUnavailableNamesAnotherRole) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"other", "main", "standby"},
            R"("routes":[{"role":"main","whenUnavailable":"standby"}])"));
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1)}));
  ExpectServedBy("main1", "GetUser");
  client_->pool().MarkUnhealthy(fleet_->address(1), "off");
  ExpectServedBy("standby2", "GetUser");
  client_->pool().MarkUnhealthy(fleet_->address(2), "off too");
  const CallOutcome outcome = client_->Call();
  EXPECT_EQ(outcome.status.error_message(),
            absl::StrCat("multi_backend: no usable backend with role \"main\" "
                         "or \"standby\", the call was not sent: ",
                         fleet_->address(1), " (marked unhealthy: off); ",
                         fleet_->address(2), " (marked unhealthy: off too)"));
  EXPECT_EQ(fleet_->CallsOf(0), 0);
}

TEST_F(RoutingTest, RetryNeverMeansOneAttempt) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"x", "x", "x"},
            R"("routes":[{"match":{"method":"Create.*"},"retry":"NEVER"}])"));
  for (size_t i = 0; i < 3; ++i) fleet_->SetBehaviour(i, Failing());
  EXPECT_FALSE(client_->Call(Method("CreateUser")).ok());
  EXPECT_EQ(fleet_->TotalCalls(), 1);
  EXPECT_FALSE(client_->Call(Method("GetUser")).ok());
  EXPECT_EQ(fleet_->TotalCalls(), 1 + 3);
}

TEST_F(RoutingTest, ARoleHasItsOwnStrategy) {
  ASSERT_NO_FATAL_FAILURE(Start({"primary", "replica", "replica", "replica"},
                                kReadWriteRoutes,
                                R"("strategy":"ROUND_ROBIN",
       "roles":{"replica":{"strategy":"PRIMARY"}})"));
  // The first replica serves all once it is connected.
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(1)}));
  fleet_->ResetStats();
  const LoadResult load = RunCalls(*client_, /*threads=*/1, /*calls=*/60);
  EXPECT_THAT(load.failures, IsEmpty());
  EXPECT_EQ(fleet_->CallsOf(1), 60);
}

TEST_F(RoutingTest, NestedBalancersStandInForEachOther) {
  auto fleet = BackendFleet::Start(4);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  std::vector<std::string> entries;
  for (size_t i = 0; i < 4; ++i) {
    entries.push_back(absl::StrCat(R"({"address":")", (*fleet)->address(i),
                                   R"(","zone":")", i < 2 ? "eu" : "us",
                                   "\"}"));
  }
  auto client = UsersClient::Make(
      "static:///",
      ServiceConfig(absl::StrCat(
          R"("strategy":"PRIMARY","failover":{"maxRetries":4},"members":[
          {"name":"eu","select":{"zone":"eu"},"strategy":"ROUND_ROBIN"},
          {"name":"us","select":{"zone":"us"},"strategy":"ROUND_ROBIN"}],
          "backends":[)",
          absl::StrJoin(entries, ","), "]")));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(
      (*client)->ConnectTo({(*fleet)->address(0), (*fleet)->address(1)}));
  (*fleet)->ResetStats();
  EXPECT_THAT(RunCalls(**client, 1, 40).failures, IsEmpty());
  EXPECT_EQ((*fleet)->CallsOf(0), 20);
  EXPECT_EQ((*fleet)->CallsOf(1), 20);

  // A call that fails on every backend in "eu" goes on to "us".
  (*fleet)->SetBehaviour(0, Failing());
  (*fleet)->SetBehaviour(1, Failing());
  (*fleet)->ResetStats();
  const CallOutcome outcome = (*client)->Call();
  EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  EXPECT_EQ((*fleet)->CallsOf(0), 1);
  EXPECT_EQ((*fleet)->CallsOf(1), 1);
  EXPECT_EQ((*fleet)->CallsOf(2) + (*fleet)->CallsOf(3), 1);

  // A call that begins while "eu" is marked goes to "us" at once.
  (*client)->pool().MarkUnhealthy((*fleet)->address(0));
  (*client)->pool().MarkUnhealthy((*fleet)->address(1));
  (*fleet)->ResetStats();
  EXPECT_THAT(RunCalls(**client, 1, 40).failures, IsEmpty());
  EXPECT_EQ((*fleet)->CallsOf(0) + (*fleet)->CallsOf(1), 0);
  EXPECT_GT((*fleet)->CallsOf(2), 0);
  EXPECT_GT((*fleet)->CallsOf(3), 0);
}

}  // namespace
}  // namespace multi_backend

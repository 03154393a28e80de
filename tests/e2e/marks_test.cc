// What an operator or health has decided about a backend holds over lists that
// leave it out or rename it, and while the channel is idle.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/listed_fleet_test.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

// Three failures take a backend out for a minute, far longer than a test takes.
constexpr char kOutForAMinute[] =
    R"("health":{"passive":{"downRetryAfter":"60s","maxDownRetryAfter":"60s"}})";

class MarksTest : public ListedFleetTest {
 protected:
  void Connect(const std::string& policy, ChannelOptions options = {}) {
    options.service_config_json = ServiceConfig(policy);
    auto client = UsersClient::Make(kTarget, std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  }
  // Takes b1 out by calls that fail.
  void EjectB1() {
    fleet_->SetBehaviour(1, Failing());
    ASSERT_TRUE(WaitUntil([this]() {
      client_->Call();
      return client_->Backend(fleet_->address(1)).state == BackendState::kDown;
    }));
    fleet_->SetBehaviour(1, Succeeding());
  }
  bool AwaitServedBy(const std::string& name) {
    return WaitUntil([&]() { return client_->Call().served_by == name; });
  }

  std::unique_ptr<UsersClient> client_;
};

TEST_F(MarksTest, AMarkHoldsOverAListThatLeavesItsBackendOut) {
  ASSERT_NO_FATAL_FAILURE(Connect(""));
  client_->pool().MarkUnhealthy(fleet_->address(1));
  ASSERT_NO_FATAL_FAILURE(LeaveB1OutAndBringItBack(*client_));
  EXPECT_EQ(CallsToB1(*client_), 0);
  client_->pool().MarkHealthy(fleet_->address(1));
  EXPECT_TRUE(AwaitServedBy("b1"));
}

TEST_F(MarksTest, AnEjectionHoldsOverAListThatLeavesItsBackendOut) {
  ASSERT_NO_FATAL_FAILURE(Connect(kOutForAMinute));
  ASSERT_NO_FATAL_FAILURE(EjectB1());
  ASSERT_NO_FATAL_FAILURE(LeaveB1OutAndBringItBack(*client_));
  EXPECT_EQ(client_->Backend(fleet_->address(1)).state, BackendState::kDown);
  EXPECT_EQ(CallsToB1(*client_), 0);
}

TEST_F(MarksTest, AMarkAndAnEjectionHoldWhenTheBackendIsRenamed) {
  ASSERT_NO_FATAL_FAILURE(Connect(kOutForAMinute));
  ASSERT_NO_FATAL_FAILURE(EjectB1());
  client_->pool().MarkUnhealthy(fleet_->address(2));
  EndpointList renamed = {EndpointOf(0), EndpointOf(1, "localhost"),
                          EndpointOf(2, "localhost")};
  group_->SetEndpoints(renamed);
  ASSERT_TRUE(WaitUntil([&]() {
    const BackendSnapshot b1 = client_->Backend(fleet_->address(1));
    const BackendSnapshot b2 = client_->Backend(fleet_->address(2));
    return b1.name == renamed[1].address() && b2.name == renamed[2].address();
  }));
  fleet_->ResetStats();
  for (int i = 0; i < 30; ++i) EXPECT_EQ(client_->Call().served_by, "b0");
  client_->pool().MarkHealthy(fleet_->address(2));
  EXPECT_TRUE(AwaitServedBy("b2"));
}

TEST_F(MarksTest, AMarkBeforeTheFirstChannelHolds) {
  ChannelOptions options;
  options.pool = BackendPool::Create();
  options.pool->MarkUnhealthy(fleet_->address(1));
  options.service_config_json = ServiceConfig("");
  auto client = UsersClient::Make(kTarget, std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
  ASSERT_TRUE(client_->ConnectTo({fleet_->address(0), fleet_->address(2)}));
  EXPECT_EQ(CallsToB1(*client_), 0);
}

// The pool is the channel's own here; the application does not keep it.
TEST_F(MarksTest, AnEjectionHoldsWhileTheChannelIsIdle) {
  ASSERT_TRUE(Register().ok());
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(ServiceConfig(
      absl::StrCat(R"("failover":{"maxRetries":0},)", kOutForAMinute)));
  args.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, 1000);
  auto channel = grpc::CreateCustomChannel(
      kTarget, grpc::InsecureChannelCredentials(), args);
  auto stub = examples::users::v1::Users::NewStub(channel);
  const auto call = [&stub]() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoSeconds(kTestTimeout));
    context.AddMetadata(kCallIdKey, "idle");
    examples::users::v1::UserReply reply;
    return stub
        ->GetUser(&context, examples::users::v1::GetUserRequest(), &reply)
        .ok();
  };
  fleet_->SetBehaviour(1, Failing());
  int failed = 0;
  ASSERT_TRUE(WaitUntil([&]() { return (failed += !call()) == 3; }));
  fleet_->SetBehaviour(1, Succeeding());
  ASSERT_TRUE(WaitUntil([&]() {
    return channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_IDLE;
  }));
  fleet_->ResetStats();
  ASSERT_TRUE(WaitUntil([&]() {
    return call() && fleet_->CallsOf(0) >= 10 && fleet_->CallsOf(2) >= 10;
  }));
  EXPECT_EQ(fleet_->CallsOf(1), 0);
}

}  // namespace
}  // namespace multi_backend

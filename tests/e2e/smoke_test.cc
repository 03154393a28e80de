// One call from end to end for each way of making a channel.

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

grpc::Status GetUser(Users::Stub& stub, std::string* served_by) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  context.set_wait_for_ready(true);
  UserReply reply;
  const grpc::Status status = stub.GetUser(&context, GetUserRequest(), &reply);
  *served_by = reply.served_by();
  return status;
}

TEST(SmokeTest, RoundRobinSpreadsEvenlyOnceAllAreConnected) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  ChannelOptions options;
  options.pool = BackendPool::Create();
  auto channel =
      CreateChannel((*fleet)->StaticTarget(),
                    grpc::InsecureChannelCredentials(), std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  std::map<std::string, int> served;
  const auto call = [&] {
    std::string by;
    const grpc::Status status = GetUser(*stub, &by);
    EXPECT_TRUE(status.ok()) << status.error_message();
    ++served[by];
  };
  ASSERT_TRUE(WaitUntil([&] {
    call();
    return served.size() == 3;
  }));
  served.clear();
  for (int i = 0; i < 300; ++i) call();
  for (const auto& item : served) EXPECT_EQ(item.second, 100) << item.first;
}

TEST(SmokeTest, ACallThatFailsIsServedByAnotherBackend) {
  auto fleet = BackendFleet::Start(3);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  examples::users::v1::Behaviour failing;
  failing.set_fail_code("UNAVAILABLE");
  (*fleet)->SetBehaviour(1, failing);
  ChannelOptions options;
  options.service_config_json =
      R"({"loadBalancingConfig":[{"multi_backend":{
            "health":{"passive":{"enabled":false}},
            "failover":{"budget":{"ratio":1.0}}}}]})";
  auto channel =
      CreateChannel((*fleet)->StaticTarget(),
                    grpc::InsecureChannelCredentials(), std::move(options));
  ASSERT_TRUE(channel.ok()) << channel.status();
  auto stub = Users::NewStub(*channel);
  for (int i = 0; i < 300; ++i) {
    std::string by;
    const grpc::Status status = GetUser(*stub, &by);
    ASSERT_TRUE(status.ok()) << i << ": " << status.error_message();
    EXPECT_NE(by, "b1");
  }
  EXPECT_GT((*fleet)->CallsOf(1), 50);
}

}  // namespace
}  // namespace multi_backend

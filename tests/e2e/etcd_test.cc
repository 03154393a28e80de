// Calls through a channel whose backends a real etcd lists.
#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include <cstdint>
#include <fstream>
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
#include "multi_backend/multi_backend.h"
#include "multi_backend/sources.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kPrefix[] = "/services/users/";

class EtcdTest : public testing::Test {
 protected:
  void SetUp() override {
    MB_REQUIRE_PACKAGE(EtcdServer::Installed(), EtcdServer::kHowToInstall);
    ASSERT_TRUE(Register().ok());
    auto store = EtcdServer::Start();
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
  }

  std::string Target() const {
    return absl::StrCat("etcd://", store_->address(), kPrefix);
  }
  // Lists the first `count` backends, and nothing else.
  void List(size_t count) {
    std::map<std::string, std::string> entries;
    for (size_t i = 0; i < count; ++i) {
      entries[absl::StrCat(kPrefix, fleet_->name(i))] = fleet_->address(i);
    }
    if (count < fleet_->size()) {
      ASSERT_TRUE(
          store_->DeletePrefix(absl::StrCat(kPrefix, fleet_->name(count)))
              .ok());
    }
    ASSERT_TRUE(store_->PutAll(entries).ok());
  }

  std::unique_ptr<EtcdServer> store_;
  std::unique_ptr<BackendFleet> fleet_;
};

TEST_F(EtcdTest, NoCallFailsWhateverHappensToTheStore) {
  List(3);
  auto client = UsersClient::Make(Target(), ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo(fleet_->addresses()));
  const auto await_backends = [&](size_t count) {
    EXPECT_TRUE(WaitUntil([&] {
      return ListedBackends((*client)->pool()) == count;
    })) << count;
  };
  BackgroundLoad load(**client, /*threads=*/4);
  List(2);
  await_backends(2);
  for (int i = 0; i < 3; ++i) {
    store_->Kill();
    int64_t calls = load.calls();
    EXPECT_TRUE(WaitUntil([&] { return load.calls() > calls + 200; }));
    ASSERT_TRUE(store_->Restart().ok());
    List(3);
    await_backends(3);
    store_->Stop();
    calls = load.calls();
    EXPECT_TRUE(WaitUntil([&] { return load.calls() > calls + 200; }));
    store_->Continue();
    ASSERT_TRUE(store_->Wipe().ok());
    calls = load.calls();
    EXPECT_TRUE(WaitUntil([&] { return load.calls() > calls + 200; }));
    List(2);
    await_backends(2);
  }
  const LoadResult result = load.Stop();
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_EQ(result.failed, 0) << "of " << result.calls;
}

TEST_F(EtcdTest, ThePlainGrpcWayServesToo) {
  List(1);
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  auto stub = examples::users::v1::Users::NewStub(grpc::CreateCustomChannel(
      Target(), grpc::InsecureChannelCredentials(), args));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  examples::users::v1::GetUserRequest request;
  request.set_user_id("1");
  examples::users::v1::UserReply reply;
  const grpc::Status status = stub->GetUser(&context, request, &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.served_by(), fleet_->name(0));
}

TEST_F(EtcdTest, AGroupWithOptionsServesUnderItsName) {
  List(1);
  ASSERT_TRUE(store_->EnableUsers("s3cret").ok());
  EtcdSourceOptions options;
  options.client.user = "root";
  options.client.password = "s3cret";
  auto group = EtcdEndpointGroup::Make(store_->address(), kPrefix, options);
  ASSERT_TRUE(group.ok()) << group.status();
  ASSERT_TRUE((*group)->AwaitInitialEndpoints(kTestTimeout).ok());
  ASSERT_TRUE(EndpointGroupRegistry::Register("etcd-users", *group).ok());
  auto client = UsersClient::Make("group:///etcd-users", ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->Call().ok());
  EndpointGroupRegistry::Unregister("etcd-users");
}

TEST_F(EtcdTest, AStoreThatIsAwayAtStartIsNamedAndServesLater) {
  List(1);
  store_->Kill();
  auto client = UsersClient::Make(Target(), ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  const CallOutcome outcome = (*client)->Call();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(outcome.status.error_message(), HasSubstr(store_->address()));
  ASSERT_TRUE(store_->Restart().ok());
  EXPECT_TRUE((*client)->ConnectTo({fleet_->address(0)}));
}

TEST_F(EtcdTest, AnotherSourceServesUntilTheStoreComes) {
  List(2);
  store_->Kill();
  auto store = EtcdEndpointGroup::Make(store_->address(), kPrefix);
  ASSERT_TRUE(store.ok()) << store.status();
  auto fallback =
      StaticEndpointGroup::Make({*Endpoint::Parse(fleet_->address(2))});
  ASSERT_TRUE(fallback.ok()) << fallback.status();
  ASSERT_TRUE(
      EndpointGroupRegistry::Register("etcd-or", OrElse(*store, *fallback))
          .ok());
  auto client = UsersClient::Make("group:///etcd-or", ChannelOptions());
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->Call().served_by, fleet_->name(2));
  ASSERT_TRUE(store_->Restart().ok());
  EXPECT_TRUE((*client)->ConnectTo({fleet_->address(0), fleet_->address(1)}));
  EndpointGroupRegistry::Unregister("etcd-or");
}

TEST_F(EtcdTest, APasswordInTheTargetIsRefusedAndNeverShown) {
  const std::string target =
      absl::StrCat("etcd://me:s3cret@", store_->address(), kPrefix);
  const auto channel =
      multi_backend::CreateChannel(target, grpc::InsecureChannelCredentials());
  ASSERT_FALSE(channel.ok());
  EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(channel.status().message(), Not(HasSubstr("s3cret")));
  // A plain channel cannot be refused before its first call.
  testing::internal::CaptureStderr();
  auto stub = examples::users::v1::Users::NewStub(
      grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  examples::users::v1::UserReply reply;
  const grpc::Status status = stub->GetUser(&context, {}, &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(),
              HasSubstr("MULTI_BACKEND_ETCD_AUTH_FILE"));
  EXPECT_THAT(status.error_message(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("s3cret")));
}

TEST(EtcdTargetTest, WhatCannotBeATargetIsRefused) {
  for (const char* target : {"etcd:///users/", "etcd://h:1", "etcd://h:x/u/"}) {
    const auto channel = multi_backend::CreateChannel(
        target, grpc::InsecureChannelCredentials());
    ASSERT_FALSE(channel.ok()) << target;
    EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(channel.status().message(),
                HasSubstr("write etcd://host:port"));
  }
}

}  // namespace
}  // namespace multi_backend

// Tests of MakeAdminService(), with a real server.
#include "multi_backend/observability/admin/grpc/admin_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/admin.grpc.pb.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class AdminServiceTest : public ::testing::Test {
 protected:
  AdminServiceTest()
      : pool_(BackendPool::Create()),
        lease_(pool_->Acquire("1.1.1.1:1", "a:1")),
        monitor_(Monitor::Create()) {
    ChannelStatus status;
    status.target = "static:///a:1";
    status.config_json = "{}";
    source_ = std::make_shared<FixedChannel>(status, pool_);
    monitor_->OnChannel(source_);
  }
  ~AdminServiceTest() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  void Start(AdminOptions options = {}) {
    service_ = MakeAdminService(monitor_, options);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    stub_ = admin::v1::Admin::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }

  // A context whose call ends in any case.
  static std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    return context;
  }

  const std::shared_ptr<BackendPool> pool_;
  const std::unique_ptr<BackendPool::Lease> lease_;
  const std::shared_ptr<Monitor> monitor_;
  std::shared_ptr<FixedChannel> source_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<admin::v1::Admin::Stub> stub_;
};

TEST_F(AdminServiceTest, TellsTheStatusTheCallsAndTheConfiguration) {
  Start();
  CallEnded call;
  call.status = absl::StatusCode::kUnavailable;
  monitor_->OnCallEnded(call);
  admin::v1::Status status;
  ASSERT_TRUE(stub_->GetStatus(Context().get(), {}, &status).ok());
  EXPECT_EQ(status.channels(0).target(), "static:///a:1");
  EXPECT_FALSE(status.actions_enabled());
  admin::v1::Calls calls;
  ASSERT_TRUE(stub_->GetCalls(Context().get(), {}, &calls).ok());
  EXPECT_EQ(calls.calls(0).status(), "UNAVAILABLE");
  admin::v1::Config config;
  ASSERT_TRUE(stub_->GetConfig(Context().get(), {}, &config).ok());
  EXPECT_EQ(config.channels(0).service_config_json(), "{}");
}

TEST_F(AdminServiceTest, ActionsAreOffUnlessTurnedOn) {
  Start();
  admin::v1::BackendRequest request;
  request.set_backend("a:1");
  admin::v1::ActionResult result;
  const grpc::Status status =
      stub_->MarkUnhealthy(Context().get(), request, &result);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("enable_actions"));
  EXPECT_EQ(pool_->GetAllBackends()[0].state, BackendState::kAlive);
  EXPECT_TRUE(monitor_->GetStatus({}).newest_event() == 0);
}

TEST_F(AdminServiceTest, AnActionIsAnEventWithWhoAsked) {
  AdminOptions options;
  options.enable_actions = true;
  Start(options);
  admin::v1::BackendRequest request;
  request.set_backend("a:1");
  request.set_reason("too slow");
  admin::v1::ActionResult result;
  ASSERT_TRUE(stub_->MarkUnhealthy(Context().get(), request, &result).ok());
  EXPECT_EQ(result.pools(), 1);
  EXPECT_EQ(pool_->GetAllBackends()[0].state, BackendState::kDown);
  const auto context = Context();
  const auto reader = stub_->WatchEvents(context.get(), {});
  admin::v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.action(), "markUnhealthy");
  EXPECT_EQ(event.reason(), "too slow");
  EXPECT_THAT(event.asked_by(),
              AllOf(HasSubstr("127.0.0.1:"), HasSubstr("over gRPC")));
  ASSERT_TRUE(stub_->MarkHealthy(Context().get(), request, &result).ok());
  // The watcher hears of it without asking again.
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.action(), "markHealthy");
  EXPECT_EQ(event.sequence(), 2);
  context->TryCancel();
  request.set_backend("b:1");
  EXPECT_EQ(stub_->MarkHealthy(Context().get(), request, &result).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminServiceTest, EveryActionOfTheProtoWorks) {
  AdminOptions options;
  options.enable_actions = true;
  Start(options);
  admin::v1::ActionResult result;
  admin::v1::DrainRequest drain;
  drain.set_backend("a:1");
  ASSERT_TRUE(stub_->Drain(Context().get(), drain, &result).ok());
  EXPECT_TRUE(pool_->GetAllBackends()[0].draining);
  admin::v1::BackendRequest request;
  request.set_backend("a:1");
  ASSERT_TRUE(stub_->Undrain(Context().get(), request, &result).ok());
  EXPECT_FALSE(pool_->GetAllBackends()[0].draining);
  admin::v1::SetWeightRequest weight;
  weight.set_backend("a:1");
  weight.set_weight(5);
  ASSERT_TRUE(stub_->SetWeight(Context().get(), weight, &result).ok());
  EXPECT_EQ(pool_->GetAllBackends()[0].weight, 5);
  ASSERT_TRUE(stub_->ResetWeight(Context().get(), request, &result).ok());
  ASSERT_TRUE(stub_->ResetBackoff(Context().get(), request, &result).ok());
}

TEST_F(AdminServiceTest, WatchersSelectATargetAndMayEndWithWhatIsKept) {
  Start();
  StateChanged change;
  change.target = Label("static:///a:1");
  monitor_->OnStateChanged(change);
  change.target = Label("static:///b:1");
  monitor_->OnStateChanged(change);
  admin::v1::WatchEventsRequest request;
  request.set_target("static:///b:1");
  request.set_kept_only(true);
  const auto context = Context();
  const auto reader = stub_->WatchEvents(context.get(), request);
  admin::v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.sequence(), 2);
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(AdminServiceTest, WatchersAreBounded) {
  AdminOptions options;
  options.max_watchers = 1;
  Start(options);
  monitor_->OnStateChanged({});
  const auto first = Context();
  const auto reader = stub_->WatchEvents(first.get(), {});
  admin::v1::Event event;
  ASSERT_TRUE(reader->Read(&event));
  const auto second = Context();
  const auto refused = stub_->WatchEvents(second.get(), {});
  EXPECT_FALSE(refused->Read(&event));
  EXPECT_EQ(refused->Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  first->TryCancel();
}

}  // namespace
}  // namespace multi_backend

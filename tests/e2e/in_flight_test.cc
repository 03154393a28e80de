// A backend's count of calls in flight returns to 0, however and whenever the
// calls end.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/backend_pool.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/loopback_listener.h"
#include "multi_backend/tests/testing/users_client.h"

namespace multi_backend {
namespace {

using examples::users::v1::ListUsersRequest;
using examples::users::v1::UserReply;
using examples::users::v1::WatchUsersRequest;

using Calls = std::vector<std::unique_ptr<PendingCall>>;

class InFlightTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto fleet = BackendFleet::Start(3);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    client_ = MakeClient(R"("strategy":"LEAST_BUSY")");
    ASSERT_NE(client_, nullptr);
    ASSERT_TRUE(client_->ConnectTo(fleet_->addresses()));
  }

  std::unique_ptr<UsersClient> MakeClient(
      absl::string_view policy, std::shared_ptr<BackendPool> pool = nullptr) {
    ChannelOptions options;
    options.pool = std::move(pool);
    options.service_config_json = ServiceConfig(policy);
    auto client = UsersClient::Make(fleet_->StaticTarget(), std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  void SetBehaviour(const examples::users::v1::Behaviour& behaviour) {
    for (size_t i = 0; i < fleet_->size(); ++i) {
      fleet_->SetBehaviour(i, behaviour);
    }
  }

  static Calls StartCalls(UsersClient& client, int count,
                          const UsersCall& call = {}) {
    Calls calls;
    for (int i = 0; i < count; ++i) {
      calls.push_back(std::make_unique<PendingCall>(client, call));
    }
    return calls;
  }

  static bool HasInFlight(const UsersClient& client, int64_t count) {
    return WaitUntil([&]() { return client.InFlight() == count; });
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::unique_ptr<UsersClient> client_;
};

TEST_F(InFlightTest, CountsWhatHangsAndForgetsWhatIsCancelled) {
  SetBehaviour(Hanging());
  Calls calls = StartCalls(*client_, 9);
  ASSERT_TRUE(HasInFlight(*client_, 9));
  // LEAST_BUSY has spread the calls, which shows that each backend has its
  // count.
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(client_->Backend(fleet_->address(i)).in_flight, 3);
  }
  for (size_t i = 0; i < 4; ++i) calls[i]->Cancel();
  EXPECT_TRUE(HasInFlight(*client_, 5));
  for (auto& call : calls) call->Cancel();
  for (auto& call : calls) {
    EXPECT_EQ(call->Wait().status.error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(HasInFlight(*client_, 0));
}

TEST_F(InFlightTest, DeadlinesFreeTheirBackends) {
  SetBehaviour(Hanging());
  const uint64_t before = client_->Attempts();
  UsersCall call;
  call.timeout = absl::Milliseconds(300);
  Calls calls = StartCalls(*client_, 6, call);
  for (auto& pending : calls) {
    EXPECT_EQ(pending->Wait().status.error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  EXPECT_TRUE(HasInFlight(*client_, 0));
  EXPECT_EQ(client_->Attempts(), before + 6) << "nobody is left to retry for";
}

TEST_F(InFlightTest, AttemptsGivenUpByPerTryTimeoutAreNotInFlight) {
  auto client = MakeClient(
      absl::StrCat(kFailedCallsDoNotCount,
                   R"(,"failover":{"maxRetries":2,"perTryTimeout":"0.1s"})"));
  SetBehaviour(Hanging());
  Calls calls = StartCalls(*client, 5);
  for (auto& call : calls) {
    EXPECT_EQ(call->Wait().status.error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  EXPECT_TRUE(HasInFlight(*client, 0));
  EXPECT_EQ(client->Attempts(), 15u);
}

TEST_F(InFlightTest, ACallThatIsCancelledBeforeItsPickNeverCounts) {
  // TCP connects, but HTTP/2 never does.
  const LoopbackListener silent;
  auto client = UsersClient::Make(absl::StrCat("static:///", silent.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  UsersCall short_call;
  short_call.timeout = absl::Milliseconds(200);
  EXPECT_EQ((*client)->Call(short_call).status.error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  Calls calls = StartCalls(**client, 5);
  // The pool knows the backend once the channel has made its picker.
  ASSERT_TRUE(
      WaitUntil([&]() { return !(*client)->pool().GetAllBackends().empty(); }));
  for (auto& call : calls) call->Cancel();
  for (auto& call : calls) {
    EXPECT_EQ(call->Wait().status.error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_EQ((*client)->InFlight(), 0);
  EXPECT_EQ((*client)->Attempts(), 0u);
}

TEST_F(InFlightTest, AStreamCountsUntilItEnds) {
  grpc::ClientContext context;
  context.AddMetadata(kCallIdKey, "stream");
  auto stream = client_->stub().WatchUsers(&context);
  UserReply reply;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(WatchUsersRequest()));
    ASSERT_TRUE(stream->Read(&reply));
    EXPECT_EQ(client_->InFlight(), 1);
  }
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(HasInFlight(*client_, 0));
}

TEST_F(InFlightTest, AStreamThatIsCancelledMidwayStopsCounting) {
  grpc::ClientContext context;
  auto stream = client_->stub().WatchUsers(&context);
  ASSERT_TRUE(stream->Write(WatchUsersRequest()));
  UserReply reply;
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(client_->InFlight(), 1);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(HasInFlight(*client_, 0));
}

TEST_F(InFlightTest, AStreamThatIsCancelledBeforeItsFirstMessageStopsCounting) {
  SetBehaviour(Hanging());
  {
    grpc::ClientContext context;
    auto reader = client_->stub().ListUsers(&context, ListUsersRequest());
    ASSERT_TRUE(HasInFlight(*client_, 1));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // The count drops at the latest when the call's context is destroyed.  While
  // a call can still be retried, gRPC's retry filter answers Finish() after a
  // cancel by itself, and the layers below learn of the end only when the call
  // is destroyed.
  EXPECT_TRUE(HasInFlight(*client_, 0));
}

TEST_F(InFlightTest, AStreamThatIsCancelledWithMessagesUnreadStopsCounting) {
  grpc::ClientContext context;
  ListUsersRequest request;
  request.set_count(1000);
  auto reader = client_->stub().ListUsers(&context, request);
  UserReply reply;
  ASSERT_TRUE(reader->Read(&reply));
  context.TryCancel();
  while (reader->Read(&reply)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(HasInFlight(*client_, 0));
}

TEST_F(InFlightTest, AChannelThatGoesAwayTakesItsCallsWithIt) {
  auto pool = BackendPool::Create();
  // The remaining channel keeps the pool's backends alive, and so their counts.
  auto staying = MakeClient("", pool);
  auto leaving = MakeClient("", pool);
  ASSERT_TRUE(staying->ConnectTo(fleet_->addresses()));
  SetBehaviour(Hanging());
  {
    grpc::ClientContext context;
    auto reader = leaving->stub().ListUsers(&context, ListUsersRequest());
    ASSERT_TRUE(HasInFlight(*staying, 1));
    leaving.reset();
    // Calls keep alive what they need of the channel.
    EXPECT_EQ(staying->InFlight(), 1);
    context.TryCancel();
    reader->Finish();
  }
  EXPECT_TRUE(HasInFlight(*staying, 0));
  EXPECT_EQ(pool->GetAllBackends().size(), 3u);
  staying.reset();
  EXPECT_TRUE(WaitUntil([&]() { return ListedBackends(*pool) == 0; }));
}

// Calls fail over, time out and are cancelled at arbitrary points.
TEST_F(InFlightTest, GoesBackToZeroAfterAStormOfCancels) {
  auto client = MakeClient(
      R"("strategy":"LEAST_BUSY","failover":{"perTryTimeout":"0.02s",
         "budget":{"ratio":1.0,"minRetriesPerSecond":10000}})");
  fleet_->SetBehaviour(0, Failing());
  fleet_->SetBehaviour(1, Slow(absl::Milliseconds(10)));
  constexpr int kThreads = 4;
  constexpr int kCallsPerThread = 100;
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t]() {
      std::seed_seq seed{t};
      absl::BitGen random(seed);
      for (int i = 0; i < kCallsPerThread; ++i) {
        PendingCall call(*client, UsersCall());
        const absl::Duration after =
            absl::Microseconds(absl::Uniform(random, 0, 15000));
        WaitUntil([&]() { return call.done(); }, after);
        call.Cancel();
        if (call.Wait().status.error_code() == grpc::StatusCode::CANCELLED) {
          ++cancelled;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(cancelled.load(), 0);
  EXPECT_TRUE(HasInFlight(*client, 0));
  SetBehaviour(Succeeding());
  EXPECT_TRUE(client->Call().ok());
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/tests/testing/backend_fleet.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace multi_backend {
namespace {

using ::examples::users::v1::Behaviour;
using ::examples::users::v1::CreateUserRequest;
using ::examples::users::v1::GetUserRequest;
using ::examples::users::v1::UserReply;
using ::examples::users::v1::Users;
using ::testing::ElementsAre;
using ::testing::Pair;

class BackendFleetTest : public testing::Test {
 protected:
  void Start(const std::vector<BackendSpec>& specs) {
    auto fleet = BackendFleet::Start(specs);
    ASSERT_TRUE(fleet.ok()) << fleet.status();
    fleet_ = *std::move(fleet);
    // Each backend has its own channel, so that the test chooses the backend of
    // each call.
    for (const std::string& address : fleet_->addresses()) {
      stubs_.push_back(Users::NewStub(
          grpc::CreateChannel(address, grpc::InsecureChannelCredentials())));
    }
  }

  grpc::Status Get(size_t index,
                   absl::Duration timeout = kServerProcessTimeout) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    UserReply reply;
    return stubs_[index]->GetUser(&context, GetUserRequest(), &reply);
  }

  // Waits until backend `index` has `count` calls in flight.
  void AwaitInFlight(size_t index, int64_t count) {
    const absl::Time deadline = absl::Now() + kServerProcessTimeout;
    while (fleet_->Stats(index).in_flight() != count) {
      ASSERT_LT(absl::Now(), deadline) << fleet_->Stats(index).DebugString();
    }
  }

  std::unique_ptr<BackendFleet> fleet_;
  std::vector<std::unique_ptr<Users::Stub>> stubs_;
};

TEST_F(BackendFleetTest, KnowsItsMembers) {
  Start({{"a", "primary", {}}, {"b", "replica", {}}});
  ASSERT_EQ(fleet_->size(), 2u);
  EXPECT_EQ(fleet_->name(1), "b");
  EXPECT_EQ(fleet_->role(1), "replica");
  EXPECT_EQ(fleet_->Stats(1).role(), "replica");
  EXPECT_EQ(fleet_->StaticTarget(),
            "static:///" + fleet_->address(0) + "," + fleet_->address(1));
  EXPECT_EQ(fleet_->Ipv4Target(),
            "ipv4:" + fleet_->address(0) + "," + fleet_->address(1));
}

TEST_F(BackendFleetTest, CountsCallsByBackendAndMethod) {
  Start({{"a", "", {}}, {"b", "", {}}});
  EXPECT_TRUE(Get(0).ok());
  EXPECT_TRUE(Get(1).ok());
  EXPECT_TRUE(Get(1).ok());
  EXPECT_EQ(fleet_->CallsOf(1, "GetUser"), 2);
  EXPECT_EQ(fleet_->CallsOf(1, "CreateUser"), 0);
  EXPECT_EQ(fleet_->TotalCalls(), 3);
  EXPECT_THAT(fleet_->CallsByName(), ElementsAre(Pair("a", 1), Pair("b", 2)));
  fleet_->ResetStats();
  EXPECT_EQ(fleet_->TotalCalls(), 0);
}

TEST_F(BackendFleetTest, BehaviourChangesWhileServing) {
  Start({{"a", "", {}}});
  EXPECT_TRUE(Get(0).ok());
  Behaviour failing;
  failing.set_fail_code("NOT_FOUND");
  fleet_->SetBehaviour(0, failing);
  EXPECT_EQ(Get(0).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(fleet_->Stats(0).failed(), 1);
  fleet_->SetBehaviour(0, Behaviour());
  EXPECT_TRUE(Get(0).ok());
}

TEST_F(BackendFleetTest, HangingCallsAreCountedAndLetGo) {
  Start({{"a", "", {"--hang"}}});
  std::thread caller([&] { EXPECT_TRUE(Get(0).ok()); });
  AwaitInFlight(0, 1);
  fleet_->SetBehaviour(0, Behaviour());
  caller.join();
  AwaitInFlight(0, 0);

  Behaviour hanging;
  hanging.set_hang(true);
  fleet_->SetBehaviour(0, hanging);
  EXPECT_EQ(Get(0, absl::Milliseconds(50)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  AwaitInFlight(0, 0);
  EXPECT_EQ(fleet_->Stats(0).cancelled(), 1);
}

TEST_F(BackendFleetTest, WorkersLimitTheCallsWorkedOnAtATime) {
  constexpr int kCalls = 4;
  constexpr absl::Duration kDelay = absl::Milliseconds(40);
  Start({{"a", "", {"--workers", "2", "--delay-ms", "40"}}});
  ASSERT_TRUE(Get(0).ok());  // Connects.
  const absl::Time begin = absl::Now();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&] { EXPECT_TRUE(Get(0).ok()); });
  }
  for (std::thread& caller : callers) caller.join();
  // Only two calls run at a time, so at least two rounds are needed.
  EXPECT_GE(absl::Now() - begin, 2 * kDelay);
  EXPECT_GE(fleet_->Stats(0).max_in_flight(), 3);
}

TEST_F(BackendFleetTest, OneStreamAtATimeWhenToldSo) {
  Start({{"a", "", {"--max-concurrent-streams", "1", "--delay-ms", "10"}}});
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] { EXPECT_TRUE(Get(0).ok()); });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(fleet_->Stats(0).max_in_flight(), 1);
}

TEST_F(BackendFleetTest, RestartedBackendIsControlledAgain) {
  Start({{"a", "", {}}, {"b", "", {}}});
  EXPECT_TRUE(Get(0).ok());
  EXPECT_EQ(fleet_->CallsOf(0), 1);
  fleet_->server(0).Kill();
  EXPECT_THAT(fleet_->CallsByName(), ElementsAre(Pair("b", 0)));
  ASSERT_TRUE(fleet_->server(0).Restart().ok());
  EXPECT_EQ(fleet_->CallsOf(0), 0);
  EXPECT_EQ(fleet_->Stats(0).name(), "a");
}

}  // namespace
}  // namespace multi_backend

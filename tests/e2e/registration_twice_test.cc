// Register() many times, from many threads, around the first channel.

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>

#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/barrier.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

TEST(RegistrationTest, EightThreadsAndThenTwiceMore) {
  grpc_init();  // This does not fix core's configuration yet.
  constexpr int kThreads = 8;
  std::vector<absl::Status> statuses(kThreads);
  std::vector<std::thread> threads;
  auto* barrier = new absl::Barrier(kThreads);  // Deleted by one thread.
  for (absl::Status& status : statuses) {
    threads.emplace_back([barrier, &status] {
      if (barrier->Block()) delete barrier;
      status = Register();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) {
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(Register().ok());

  auto fleet = BackendFleet::Start(2);
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  auto channel = multi_backend::CreateChannel(
      (*fleet)->StaticTarget(), grpc::InsecureChannelCredentials());
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_TRUE(Register().ok());  // It was registered in time.
  auto stub = Users::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kServerProcessTimeout));
  UserReply reply;
  const grpc::Status status = stub->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc_shutdown();
}

}  // namespace
}  // namespace multi_backend

// Register() after the first channel of the process returns a status and logs a
// line, but does not abort.  There is one test, because a process registers
// only once.

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/grpc_log.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr char kMessage[] =
    "multi_backend::Register() was called after the first gRPC channel or "
    "server of the process was made: call it at the start of main()";

TEST(LateRegistrationTest, IsRefusedAndThePlainChannelGoesOn) {
  auto server = ServerProcess::Start();
  ASSERT_TRUE(server.ok()) << server.status();
  auto plain = grpc::CreateChannel((*server)->address(),
                                   grpc::InsecureChannelCredentials());
  absl::Status late;
  {
    const GrpcLog log(kMessage);
    late = Register();
    EXPECT_EQ(log.lines().size(), 1u);
  }
  EXPECT_EQ(late, absl::FailedPreconditionError(kMessage));
  EXPECT_EQ(Register(), late);
  const auto channel = multi_backend::CreateChannel(
      "static:///127.0.0.1:1", grpc::InsecureChannelCredentials());
  EXPECT_EQ(channel.status(), late);
  grpc::ChannelArguments args;
  EXPECT_EQ(Attach({}, &args), late);
  EXPECT_EQ(args.c_channel_args().num_args,
            grpc::ChannelArguments().c_channel_args().num_args);

  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kServerProcessTimeout));
  UserReply reply;
  const grpc::Status status =
      Users::NewStub(plain)->GetUser(&context, GetUserRequest(), &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace multi_backend

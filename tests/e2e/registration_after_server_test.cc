// Making a server, like making a channel, fixes core's configuration.

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

TEST(RegistrationTest, AfterAServerItIsRefused) {
  examples::users::v1::Users::Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(Register().code(), absl::StatusCode::kFailedPrecondition);
  server->Shutdown(absl::ToChronoTime(absl::Now()));
}

}  // namespace
}  // namespace multi_backend

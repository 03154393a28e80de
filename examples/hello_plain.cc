// A whole client that makes its channel with gRPC's own functions: hello_plain
// TARGET, where TARGET is any that gRPC knows, for example
// "ipv4:10.0.0.1:50051,10.0.0.2:50051" or "dns:///name:port".
#include <grpcpp/grpcpp.h>

#include <iostream>

#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: hello_plain TARGET" << std::endl;
    return 1;
  }
  const absl::Status registered = multi_backend::Register();
  if (!registered.ok()) {  // A channel or server exists already.
    std::cerr << registered << std::endl;
    return 1;
  }
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName("multi_backend");
  args.SetServiceConfigJSON(R"({
    "loadBalancingConfig": [ { "multi_backend": {
      "strategy": "LEAST_BUSY" } } ] })");
  auto channel = grpc::CreateCustomChannel(
      argv[1], grpc::InsecureChannelCredentials(), args);

  // From here on this is an ordinary gRPC client.
  auto stub = examples::users::v1::Users::NewStub(channel);
  grpc::ClientContext context;
  examples::users::v1::GetUserRequest request;
  examples::users::v1::UserReply reply;
  request.set_user_id("42");
  const grpc::Status status = stub->GetUser(&context, request, &reply);
  if (!status.ok()) {
    std::cerr << status.error_message() << std::endl;
    return 1;
  }
  std::cout << reply.user().name() << ", served by " << reply.served_by()
            << std::endl;
}

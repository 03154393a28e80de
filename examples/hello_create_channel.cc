// A whole client that uses CreateChannel: hello_create_channel TARGET, where
// TARGET is for example "static:///host:port,host:port" or "dns:///name:port".
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <utility>

#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: hello_create_channel TARGET" << std::endl;
    return 1;
  }
  multi_backend::ChannelOptions options;
  options.service_config_json = R"({
    "loadBalancingConfig": [ { "multi_backend": {
      "strategy": "LEAST_BUSY", "failover": { "maxRetries": 2 } } } ] })";
  auto channel = multi_backend::CreateChannel(
      argv[1], grpc::InsecureChannelCredentials(), std::move(options));
  if (!channel.ok()) {
    std::cerr << channel.status() << std::endl;
    return 1;
  }

  // From here on this is an ordinary gRPC client.
  auto stub = examples::users::v1::Users::NewStub(*channel);
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

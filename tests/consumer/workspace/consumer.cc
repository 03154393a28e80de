// An application that depends on multi_backend.  It makes one call to a server
// in its own process.  It prints the answer, and whether a channel to the
// target in its argument could be made.  It exits with 1 if there is no answer.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "greeter.grpc.pb.h"
// All headers of //:core are included, to show that they compile here.
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/probes.h"
#include "multi_backend/registrar.h"

namespace {

class Service final : public consumer::Greeter::Service {
  grpc::Status Greet(grpc::ServerContext*,
                     const consumer::GreetRequest* request,
                     consumer::GreetReply* reply) override {
    reply->set_text("Hello, " + request->name());
    return grpc::Status::OK;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: consumer TARGET\n";
    return 1;
  }
  // This must come before the server, which fixes core's configuration.
  const absl::Status registered = multi_backend::Register();
  if (!registered.ok()) {
    std::cerr << registered << "\n";
    return 1;
  }
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();

  multi_backend::ChannelOptions options;
  options.service_config_json = R"({"loadBalancingConfig":[{"multi_backend":{
      "strategy":"LEAST_BUSY"}}]})";
  auto channel = multi_backend::CreateChannel(
      "static:///127.0.0.1:" + std::to_string(port),
      grpc::InsecureChannelCredentials(), std::move(options));
  if (!channel.ok()) {
    std::cerr << channel.status() << "\n";
    return 1;
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(10));
  consumer::GreetRequest request;
  request.set_name("consumer");
  consumer::GreetReply reply;
  const grpc::Status status =
      consumer::Greeter::NewStub(*channel)->Greet(&context, request, &reply);
  if (!status.ok()) {
    std::cerr << status.error_message() << "\n";
    return 1;
  }
  std::cout << reply.text() << "\n"
            << multi_backend::CreateChannel(argv[1],
                                            grpc::InsecureChannelCredentials())
                   .status()
                   .message()
            << std::endl;
  return 0;
}

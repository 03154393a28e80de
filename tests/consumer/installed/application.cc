// An application of the installed library, which tests build with CMake and
// with pkg-config.  It starts two servers, the first of which answers each call
// with UNAVAILABLE, and makes one call to both.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

// All public headers are included, to show that they compile here.
#include "multi_backend/backend_pool.h"
#include "multi_backend/endpoint_groups.h"
#include "multi_backend/interceptor.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"
#include "multi_backend/probes.h"
#include "multi_backend/registrar.h"
#include "multi_backend/sources.h"

namespace {

constexpr std::chrono::seconds kTimeout(30);

// Answers each call with the same status, and with its request.
class EchoService final : public grpc::CallbackGenericService {
 public:
  explicit EchoService(grpc::Status status) : status_(std::move(status)) {}

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Reactor(const grpc::Status& status) : status_(status) {
      StartRead(&message_);
    }
    void OnReadDone(bool ok) override {
      if (ok && status_.ok()) {
        StartWriteAndFinish(&message_, {}, status_);
      } else {
        Finish(status_);
      }
    }
    void OnDone() override { delete this; }

   private:
    const grpc::Status& status_;
    grpc::ByteBuffer message_;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext*) override {
    return new Reactor(status_);
  }

  const grpc::Status status_;
};

struct Server {
  explicit Server(grpc::Status status) : service(std::move(status)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  EchoService service;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  const grpc::Slice slice("hello");
  grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer reply;
  std::promise<grpc::Status> status;
  grpc::GenericStub stub(channel);
  stub.UnaryCall(&context, "/greeter.Greeter/Greet", {}, &request, &reply,
                 [&status](grpc::Status s) { status.set_value(std::move(s)); });
  return status.get_future().get();
}

}  // namespace

// Prints how the last call ended, how many calls the ill server has failed, and
// what CreateChannel() says about `target`.  Returns an exit code.
extern "C" int RunApplication(const char* target) {
  // This must come before the servers, which fix core's configuration.
  const absl::Status registered = multi_backend::Register();
  if (!registered.ok()) {
    std::cerr << registered << "\n";
    return 1;
  }
  const Server ill(grpc::Status(grpc::StatusCode::UNAVAILABLE, "ill"));
  const Server well(grpc::Status::OK);

  multi_backend::ChannelOptions options;
  options.pool = multi_backend::BackendPool::Create();
  // PRIMARY takes the first server as long as it can.
  options.service_config_json = R"({"loadBalancingConfig":[{"multi_backend":{
      "strategy":"PRIMARY"}}]})";
  const auto pool = options.pool;
  auto channel = multi_backend::CreateChannel(
      "static:///" + ill.address() + "," + well.address(),
      grpc::InsecureChannelCredentials(), std::move(options));
  if (!channel.ok()) {
    std::cerr << channel.status() << "\n";
    return 1;
  }
  const auto failures = [&] {
    for (const auto& backend : pool->GetAllBackends()) {
      if (backend.address == ill.address()) return backend.failures;
    }
    return uint64_t{0};
  };
  // Calls go to the well server alone until the ill one is connected.
  grpc::Status status;
  const auto deadline = std::chrono::steady_clock::now() + kTimeout;
  do {
    status = Call(*channel);
  } while (status.ok() && failures() == 0 &&
           std::chrono::steady_clock::now() < deadline);
  std::cout << "status " << status.error_code() << "\nfailures of a backend "
            << failures() << "\n";
  std::cout << multi_backend::CreateChannel(target,
                                            grpc::InsecureChannelCredentials())
                   .status()
                   .message()
            << std::endl;
  return status.ok() ? 0 : 1;
}

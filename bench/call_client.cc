// The client whose instructions //bench:call counts: one thread, one unary call
// after the other.  Usage: call_client MODE CALLS ADDRESS,ADDRESS,… CONFIG_FILE
//   stock   round_robin, in a process that does not register the library
//   policy  multi_backend alone, any resolver
//   full    CreateChannel with the service config in CONFIG_FILE
//   metrics the same with a Metrics: everything is on
//   sinks   full with a sink that does nothing
//   trails  sinks, and the sink wants the trails of calls that fail or are
//           retried, and of one call in 100
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/bench/calls/everything_on.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

class IdleSink final : public MetricsSink {
 public:
  explicit IdleSink(TrailSampling sampling) : sampling_(sampling) {}
  TrailSampling trail_sampling() const override { return sampling_; }

 private:
  const TrailSampling sampling_;
};

std::vector<std::shared_ptr<MetricsSink>> SinksOf(const std::string& mode) {
  if (mode == "metrics") return {Metrics::Create()};
  if (mode == "sinks") return {std::make_shared<IdleSink>(TrailSampling())};
  if (mode == "trails") {
    return {std::make_shared<IdleSink>(
        TrailSampling{/*failed_and_retried=*/true, /*one_in=*/100})};
  }
  return {};
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& mode,
                                           const std::string& addresses,
                                           const std::string& config_file) {
  if (mode != "stock" && mode != "policy") {
    return EverythingOnChannel(addresses, config_file, SinksOf(mode));
  }
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName(mode == "stock" ? "round_robin"
                                                  : "multi_backend");
  return grpc::CreateCustomChannel("ipv4:" + addresses,
                                   grpc::InsecureChannelCredentials(), args);
}

int Run(const std::string& mode, int calls, const std::string& addresses,
        const std::string& config_file) {
  const std::shared_ptr<grpc::Channel> channel =
      MakeChannel(mode, addresses, config_file);
  const auto stub = Users::NewStub(channel);
  GetUserRequest request;
  request.set_user_id("u_42");
  for (int i = 0; i < calls; ++i) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.AddMetadata("x-user-id", i % 2 == 0 ? "user-1" : "user-2");
    UserReply reply;
    const grpc::Status status = stub->GetUser(&context, request, &reply);
    if (!status.ok()) {
      std::fprintf(stderr, "call %d: %s\n", i, status.error_message().c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr,
                 "usage: call_client MODE CALLS ADDRESSES CONFIG_FILE\n");
    return 2;
  }
  // Once registered, the library has a filter in other policies' channels too.
  if (absl::string_view(argv[1]) != "stock" &&
      !multi_backend::Register().ok()) {
    return 1;
  }
  return multi_backend::Run(argv[1], std::atoi(argv[2]), argv[3], argv[4]);
}

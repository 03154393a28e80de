// Makes one call and prints "answered": what a process pays before its first
// answer, and how large it is.  Usage: cold ADDRESS
//
// Built with the library it uses its LB policy, else round_robin.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "multi_backend/examples/users.grpc.pb.h"
#ifdef COLD_WITH_LIBRARY
#include "multi_backend/multi_backend.h"
#endif

namespace {

const char* Policy() {
#ifdef COLD_WITH_LIBRARY
  return multi_backend::Register().ok() ? "multi_backend" : "";
#else
  return "round_robin";
#endif
}

int Run(const std::string& address) {
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName(Policy());
  const auto stub =
      examples::users::v1::Users::NewStub(grpc::CreateCustomChannel(
          "ipv4:" + address, grpc::InsecureChannelCredentials(), args));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(30));
  examples::users::v1::UserReply reply;
  const grpc::Status status =
      stub->GetUser(&context, examples::users::v1::GetUserRequest(), &reply);
  std::printf("%s\n",
              status.ok() ? "answered" : status.error_message().c_str());
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return argc == 2 ? Run(argv[1]) : 2; }

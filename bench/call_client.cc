// The client whose instructions //bench:call counts: one thread, one unary call
// after the other.  Usage: call_client MODE CALLS ADDRESS,ADDRESS,…
//   stock   round_robin
//   policy  multi_backend alone, any resolver
//   full    CreateChannel with routes, a sticky key, failover armed
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

using examples::users::v1::GetUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

constexpr char kFullConfig[] = R"({
  "loadBalancingConfig": [ { "multi_backend": {
      "strategy": "ROUND_ROBIN",
      "roles": { "replica": { "strategy": "STICKY" } },
      "backends": [ %s ],
      "failover": { "maxRetries": 2 } } } ],
  "multiBackend": {
      "routes": [ { "match": { "method": "(Create|Update|Delete).*" }, "role": "primary" },
                  { "match": { "method": "(Find|List|Get).*" }, "role": "replica", "whenUnavailable": "ANY" } ],
      "stickyKey": { "header": "x-user-id" } } })";

std::string FullConfig(const std::string& addresses) {
  std::string backends;
  size_t begin = 0;
  while (begin < addresses.size()) {
    const size_t end = std::min(addresses.find(',', begin), addresses.size());
    absl::StrAppend(&backends, backends.empty() ? "" : ",", "{\"address\":\"",
                    addresses.substr(begin, end - begin),
                    "\",\"role\":\"replica\"}");
    begin = end + 1;
  }
  std::string config = kFullConfig;
  config.replace(config.find("%s"), 2, backends);
  return config;
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& mode,
                                           const std::string& addresses) {
  if (mode == "full") {
    ChannelOptions options;
    options.service_config_json = FullConfig(addresses);
    auto channel = CreateChannel(
        "static:///", grpc::InsecureChannelCredentials(), std::move(options));
    if (!channel.ok()) {
      std::fprintf(stderr, "%s\n", channel.status().ToString().c_str());
      return nullptr;
    }
    return *channel;
  }
  grpc::ChannelArguments args;
  args.SetLoadBalancingPolicyName(mode == "stock" ? "round_robin"
                                                  : "multi_backend");
  return grpc::CreateCustomChannel("ipv4:" + addresses,
                                   grpc::InsecureChannelCredentials(), args);
}

int Run(const std::string& mode, int calls, const std::string& addresses) {
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(mode, addresses);
  if (channel == nullptr) return 1;
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
  if (argc != 4) {
    std::fprintf(stderr, "usage: call_client MODE CALLS ADDRESSES\n");
    return 2;
  }
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::Run(argv[1], std::atoi(argv[2]), argv[3]);
}

// The code of docs/when_not_to_use.md.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/examples/users.grpc.pb.h"

namespace snippets {

using examples::users::v1::CreateUserRequest;
using examples::users::v1::UserReply;
using examples::users::v1::Users;

std::shared_ptr<grpc::Channel> CreateChannelToOneBackend(
    const std::string& target, const Credentials& creds) {
  // [when_not_one_backend]
  grpc::ChannelArguments args;
  args.SetServiceConfigJSON(R"({
    "methodConfig": [ {
      "name": [ {} ],
      "retryPolicy": { "maxAttempts": 3, "backoffMultiplier": 2,
                       "initialBackoff": "0.1s", "maxBackoff": "1s",
                       "retryableStatusCodes": [ "UNAVAILABLE" ] } } ] })");
  auto channel = grpc::CreateCustomChannel(target, creds, args);
  // [/when_not_one_backend]
  return channel;
}

ChannelOr BeginSession(Users::Stub& stub, const CreateUserRequest& request,
                       const Credentials& creds) {
  // [when_not_session]
  grpc::ClientContext first;
  first.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
  UserReply reply;
  grpc::Status status = stub.CreateUser(&first, request, &reply);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  // The backend that has the session, for instance "ipv4:10.0.0.1:50051".
  auto session = grpc::CreateChannel(first.peer(), creds);
  // [/when_not_session]
  return session;
}

}  // namespace snippets

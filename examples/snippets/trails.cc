// The code of docs/trails.md.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/observability.h"

namespace snippets {

grpc::Status GetUserAndExplain(
    examples::users::v1::Users::Stub& stub,
    const examples::users::v1::GetUserRequest& request,
    const std::function<void(absl::string_view)>& log) {
  examples::users::v1::UserReply reply;
  // [trail_of_a_call]
  grpc::ClientContext context;
  multi_backend::AttemptTrail trail(&context);
  const grpc::Status status = stub.GetUser(&context, request, &reply);
  if (!status.ok()) log(trail.ToString());
  // [/trail_of_a_call]
  return status;
}

ChannelOr CreateLoggingChannel(const std::string& target,
                               const Credentials& creds,
                               std::function<void(absl::string_view)> log) {
  // [trail_on_call_end]
  multi_backend::ChannelOptions options;
  options.on_call_end = [log](const multi_backend::CallEnded& call) {
    if (call.attempts_made < 2) return;
    log(multi_backend::CallTrail::Of(call).ToString());
  };
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  // [/trail_on_call_end]
  return channel;
}

}  // namespace snippets

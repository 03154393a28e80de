// The functions of an application that docs/strategies.md and docs/failover.md
// show.
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/types/optional.h"
#include "multi_backend/examples/snippets/snippets.h"
#include "multi_backend/examples/users.grpc.pb.h"
#include "multi_backend/multi_backend.h"

namespace snippets {

using examples::users::v1::GetUserRequest;

ChannelOr CreateChannelWithKeys(const std::string& target,
                                const Credentials& creds) {
  // [strategies_sticky_function]
  multi_backend::ChannelOptions options;
  options.service_config_json =
      R"({"loadBalancingConfig": [{"multi_backend": {"strategy": "STICKY"}}]})";
  options.sticky_key =
      [](const multi_backend::CallView& call) -> absl::optional<std::string> {
    if (call.method() != "GetUser") return absl::nullopt;  // Any backend.
    const auto request = call.serialized_request();
    GetUserRequest get;
    if (!request.has_value() ||
        !get.ParseFromArray(request->data(),
                            static_cast<int>(request->size()))) {
      return absl::nullopt;
    }
    return get.user_id();
  };
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  // [/strategies_sticky_function]
  return channel;
}

ChannelOr CreateChannelWithClassifier(const std::string& target,
                                      const Credentials& creds) {
  // [failover_classifier]
  multi_backend::ChannelOptions options;
  options.retry_classifier = [](const multi_backend::AttemptView& attempt) {
    if (attempt.code == absl::StatusCode::kUnavailable) return true;
    // The backends of this service say so when another one can answer.
    return attempt.code == absl::StatusCode::kAborted &&
           absl::StrContains(attempt.message, "not the leader");
  };
  auto channel =
      multi_backend::CreateChannel(target, creds, std::move(options));
  // [/failover_classifier]
  return channel;
}

}  // namespace snippets

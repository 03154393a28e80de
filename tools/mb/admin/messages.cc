#include "multi_backend/tools/mb/admin/messages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/observability/admin/asked_for.h"
#include "multi_backend/observability/admin/proto_time.h"

namespace multi_backend {
namespace mb {
namespace {

// A status of thousands of backends stands in one line.
constexpr size_t kMaxLine = 16 << 20;

template <typename Request>
Request Begin(const Action& action) {
  Request message;
  message.set_target(action.target);
  message.set_backend(action.backend);
  message.set_reason(action.reason);
  return message;
}

// A JSON object for the action.
std::string ToLine(const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) {
    return "{}";
  }
  return json;
}

}  // namespace

admin::v1::BackendRequest BackendRequestOf(const Action& action) {
  return Begin<admin::v1::BackendRequest>(action);
}

admin::v1::DrainRequest DrainRequestOf(const Action& action) {
  auto message = Begin<admin::v1::DrainRequest>(action);
  if (action.timeout.has_value()) {
    *message.mutable_timeout() = DurationOf(*action.timeout);
  }
  return message;
}

admin::v1::SetWeightRequest SetWeightRequestOf(const Action& action) {
  auto message = Begin<admin::v1::SetWeightRequest>(action);
  message.set_weight(action.weight);
  return message;
}

std::string ActionJson(const Action& action) {
  switch (action.kind) {
    case ActionKind::kDrain:
      return ToLine(DrainRequestOf(action));
    case ActionKind::kSetWeight:
      return ToLine(SetWeightRequestOf(action));
    default:
      return ToLine(BackendRequestOf(action));
  }
}

absl::Status FromJson(absl::string_view json,
                      google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the answer is not that of a status page of multi_backend");
}

void KeepTarget(const std::string& target, admin::v1::Status* status) {
  if (target.empty()) return;
  auto& channels = *status->mutable_channels();
  for (int i = channels.size() - 1; i >= 0; --i) {
    if (channels[i].target() != target) channels.DeleteSubrange(i, 1);
  }
}

void KeepAskedCalls(const admin::v1::GetCallsRequest& request,
                    admin::v1::Calls* calls) {
  auto& list = *calls->mutable_calls();
  for (int i = list.size() - 1; i >= 0; --i) {
    if (!IsAskedFor(list[i], request)) list.DeleteSubrange(i, 1);
  }
  const int limit = static_cast<int>(request.limit());
  if (limit > 0 && list.size() > limit) {
    list.DeleteSubrange(limit, list.size() - limit);
  }
}

absl::Status EventStreamReader::Add(absl::string_view piece) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    absl::StrAppend(&line_, piece.substr(0, end));
    if (line_.size() > kMaxLine) {
      return absl::InvalidArgumentError("a line of the events is too long");
    }
    if (end == absl::string_view::npos) break;
    piece.remove_prefix(end + 1);
    absl::string_view line = line_;
    absl::ConsumeSuffix(&line, "\r");
    const absl::Status status = OnLine(line);
    if (!status.ok()) return status;
    line_.clear();
  }
  return absl::OkStatus();
}

absl::Status EventStreamReader::OnLine(absl::string_view line) {
  if (line.empty()) {
    const std::string name = std::exchange(name_, "");
    const std::string data = std::exchange(data_, "");
    if (name != "event") return absl::OkStatus();
    admin::v1::Event event;
    const absl::Status status = FromJson(data, &event);
    if (status.ok()) on_event_(event);
    return status;
  }
  if (absl::ConsumePrefix(&line, "event:")) {
    name_ = std::string(absl::StripPrefix(line, " "));
  } else if (absl::ConsumePrefix(&line, "data:")) {
    // Each piece of data is one line in these streams.
    data_ = std::string(absl::StripPrefix(line, " "));
  }
  return absl::OkStatus();
}

}  // namespace mb
}  // namespace multi_backend

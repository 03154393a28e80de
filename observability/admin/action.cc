#include "multi_backend/observability/admin/action.h"

#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/observability/admin/proto_time.h"

namespace multi_backend {
namespace {

struct ActionRow {
  ActionKind kind;
  absl::string_view name;
};

constexpr ActionRow kActions[] = {
    {ActionKind::kMarkUnhealthy, "markUnhealthy"},
    {ActionKind::kMarkHealthy, "markHealthy"},
    {ActionKind::kDrain, "drain"},
    {ActionKind::kUndrain, "undrain"},
    {ActionKind::kSetWeight, "setWeight"},
    {ActionKind::kResetWeight, "resetWeight"},
    {ActionKind::kResetBackoff, "resetBackoff"},
};

template <typename Request>
absl::StatusOr<Request> ParseRequest(absl::string_view json) {
  Request request;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(std::string(json), &request);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body is no ", Request::descriptor()->name(),
                     " in JSON: ", std::string(parsed.message())));
  }
  return request;
}

// What all requests have.
template <typename Request>
Action Begin(ActionKind kind, const Request& request) {
  Action action;
  action.kind = kind;
  action.target = request.target();
  action.backend = request.backend();
  action.reason = request.reason();
  return action;
}

}  // namespace

absl::string_view ActionName(ActionKind kind) {
  return std::find_if(std::begin(kActions), std::end(kActions),
                      [kind](const ActionRow& row) { return row.kind == kind; })
      ->name;
}

Action ActionOf(ActionKind kind, const admin::v1::BackendRequest& request) {
  return Begin(kind, request);
}

absl::StatusOr<Action> ActionOf(const admin::v1::DrainRequest& request) {
  Action action = Begin(ActionKind::kDrain, request);
  if (request.has_timeout()) {
    action.timeout = ToDuration(request.timeout());
    if (*action.timeout < absl::ZeroDuration()) {
      return absl::InvalidArgumentError("timeout: must not be negative");
    }
  }
  return action;
}

Action ActionOf(const admin::v1::SetWeightRequest& request) {
  Action action = Begin(ActionKind::kSetWeight, request);
  action.weight = request.weight();
  return action;
}

absl::StatusOr<Action> ParseAction(absl::string_view name,
                                   absl::string_view json) {
  const auto* const row = std::find_if(
      std::begin(kActions), std::end(kActions),
      [name](const ActionRow& known) { return known.name == name; });
  if (row == std::end(kActions)) {
    std::string known;
    for (const ActionRow& action : kActions) {
      absl::StrAppend(&known, known.empty() ? "" : ", ", action.name);
    }
    return absl::NotFoundError(
        absl::StrCat("there is no such action; the actions are ", known));
  }
  if (row->kind == ActionKind::kDrain) {
    const auto request = ParseRequest<admin::v1::DrainRequest>(json);
    if (!request.ok()) return request.status();
    return ActionOf(*request);
  }
  if (row->kind == ActionKind::kSetWeight) {
    const auto request = ParseRequest<admin::v1::SetWeightRequest>(json);
    if (!request.ok()) return request.status();
    return ActionOf(*request);
  }
  const auto request = ParseRequest<admin::v1::BackendRequest>(json);
  if (!request.ok()) return request.status();
  return ActionOf(row->kind, *request);
}

}  // namespace multi_backend

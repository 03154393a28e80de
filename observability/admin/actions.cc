#include "multi_backend/observability/admin/actions.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/shown_text.h"

namespace multi_backend {
namespace {

constexpr uint32_t kMaxWeight = 1'000'000;

struct ActionRow {
  ActionKind kind;
  absl::string_view name;
  absl::string_view done;  // "<done> in 1 pool".
};

constexpr ActionRow kActions[] = {
    {ActionKind::kMarkUnhealthy, "markUnhealthy", "marked unhealthy"},
    {ActionKind::kMarkHealthy, "markHealthy", "marked healthy"},
    {ActionKind::kDrain, "drain", "draining"},
    {ActionKind::kUndrain, "undrain", "gets calls again"},
    {ActionKind::kSetWeight, "setWeight", "has another weight"},
    {ActionKind::kResetWeight, "resetWeight", "has the listed weight"},
    {ActionKind::kResetBackoff, "resetBackoff", "connects at once"},
};

const ActionRow& RowOf(ActionKind kind) {
  return *std::find_if(
      std::begin(kActions), std::end(kActions),
      [kind](const ActionRow& row) { return row.kind == kind; });
}

template <typename Request>
absl::StatusOr<Request> ParseRequest(absl::string_view json) {
  Request request;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &request);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body is no ", Request::descriptor()->name(),
                     " in JSON: ", std::string(parsed.message())));
  }
  return request;
}

bool Knows(const BackendPool& pool, absl::string_view backend) {
  const auto backends = pool.GetAllBackends();
  return std::any_of(backends.begin(), backends.end(),
                     [backend](const BackendSnapshot& known) {
                       return known.address == backend || known.name == backend;
                     });
}

absl::Status CarryOut(const Action& action, absl::string_view reason,
                      absl::string_view asked_by, BackendPool& pool) {
  switch (action.kind) {
    case ActionKind::kMarkUnhealthy:
      pool.MarkUnhealthy(action.backend, reason, asked_by);
      return absl::OkStatus();
    case ActionKind::kMarkHealthy:
      pool.MarkHealthy(action.backend, reason, asked_by);
      return absl::OkStatus();
    case ActionKind::kDrain: {
      DrainOptions options;
      options.timeout = action.timeout.value_or(options.timeout);
      options.reason = std::string(reason);
      options.asked_by = std::string(asked_by);
      return pool.Drain(action.backend, options);
    }
    case ActionKind::kUndrain:
      return pool.Undrain(action.backend, asked_by);
    case ActionKind::kSetWeight:
      return pool.SetWeight(action.backend, action.weight, asked_by);
    case ActionKind::kResetWeight:
      return pool.ResetWeight(action.backend, asked_by);
    case ActionKind::kResetBackoff:
      return pool.ResetBackoff(action.backend, asked_by);
  }
  return absl::InternalError("an action without a case");
}

}  // namespace

absl::string_view ActionName(ActionKind kind) { return RowOf(kind).name; }

Action ActionOf(ActionKind kind, const admin::v1::BackendRequest& request) {
  Action action;
  action.kind = kind;
  action.target = request.target();
  action.backend = request.backend();
  action.reason = request.reason();
  return action;
}

absl::StatusOr<Action> ActionOf(const admin::v1::DrainRequest& request) {
  Action action;
  action.kind = ActionKind::kDrain;
  action.target = request.target();
  action.backend = request.backend();
  action.reason = request.reason();
  if (request.has_timeout()) {
    action.timeout = ToDuration(request.timeout());
    if (*action.timeout < absl::ZeroDuration()) {
      return absl::InvalidArgumentError("timeout: must not be negative");
    }
  }
  return action;
}

Action ActionOf(const admin::v1::SetWeightRequest& request) {
  Action action;
  action.kind = ActionKind::kSetWeight;
  action.target = request.target();
  action.backend = request.backend();
  action.reason = request.reason();
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

absl::StatusOr<admin::v1::ActionResult> Act(const Monitor& monitor,
                                            const Action& action,
                                            absl::string_view asked_by) {
  if (action.backend.empty()) {
    return absl::InvalidArgumentError(
        "backend: required, an address or a name as in the status");
  }
  if (action.kind == ActionKind::kSetWeight &&
      (action.weight < 1 || action.weight > kMaxWeight)) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight: must be 1 to ", kMaxWeight,
                     "; drain a backend that must get no calls"));
  }
  std::vector<std::shared_ptr<BackendPool>> pools;
  for (const auto& channel : monitor.Channels(action.target)) {
    auto pool = channel.source->pool();
    if (pool != nullptr && Knows(*pool, action.backend) &&
        std::find(pools.begin(), pools.end(), pool) == pools.end()) {
      pools.push_back(std::move(pool));
    }
  }
  if (pools.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no channel", action.target.empty() ? "" : " to this target",
        " knows the backend \"", ShownText(action.backend, 200), "\""));
  }
  const std::string reason = action.reason.empty()
                                 ? absl::StrCat("by ", ShownText(asked_by))
                                 : ShownText(action.reason);
  const std::string who = ShownText(asked_by);
  size_t done = 0;
  absl::Status first_error;
  for (const auto& pool : pools) {
    const absl::Status status = CarryOut(action, reason, who, *pool);
    if (status.ok()) ++done;
    first_error.Update(status);
  }
  if (done == 0) return first_error;

  const ActionRow& row = RowOf(action.kind);
  auto event = std::make_unique<admin::v1::Event>();
  SetTimestamp(monitor.now(), event->mutable_time());
  event->set_kind("ACTION");
  event->set_target(ShownTarget(action.target));
  event->set_backend(ShownText(action.backend));
  event->set_who(ShownText(action.backend));
  event->set_action(std::string(row.name));
  event->set_asked_by(ShownText(asked_by));
  event->set_reason(reason);
  if (action.kind == ActionKind::kSetWeight) {
    event->set_to(absl::StrCat(action.weight));
  }
  monitor.events().Add(std::move(event));

  admin::v1::ActionResult result;
  result.set_action(std::string(row.name));
  result.set_backend(ShownText(action.backend));
  result.set_pools(static_cast<uint32_t>(done));
  std::string message = absl::StrCat(ShownText(action.backend), " ", row.done);
  if (done < pools.size()) {
    absl::StrAppend(&message, " in ", done, " of ", pools.size(),
                    " pools: ", ShownText(first_error.message()));
  } else if (done > 1) {
    absl::StrAppend(&message, " in all its pools");
  }
  result.set_message(std::move(message));
  return result;
}

}  // namespace multi_backend

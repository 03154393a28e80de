#include "multi_backend/observability/admin/act.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/observability/admin/event_log.h"
#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/shown_text.h"

namespace multi_backend {
namespace {

constexpr uint32_t kMaxWeight = 1'000'000;

// "<backend> marked unhealthy".
const char* DoneText(ActionKind kind) {
  switch (kind) {
    case ActionKind::kMarkUnhealthy:
      return "marked unhealthy";
    case ActionKind::kMarkHealthy:
      return "marked healthy";
    case ActionKind::kDrain:
      return "draining";
    case ActionKind::kUndrain:
      return "gets calls again";
    case ActionKind::kSetWeight:
      return "has another weight";
    case ActionKind::kResetWeight:
      return "has the listed weight";
    case ActionKind::kResetBackoff:
      return "connects at once";
  }
  return "";
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
  const std::string who = ShownText(asked_by);
  const std::string backend = ShownText(action.backend);
  const std::string reason = action.reason.empty() ? absl::StrCat("by ", who)
                                                   : ShownText(action.reason);
  size_t done = 0;
  absl::Status first_error;
  for (const auto& pool : pools) {
    const absl::Status status = CarryOut(action, reason, who, *pool);
    if (status.ok()) ++done;
    first_error.Update(status);
  }
  if (done == 0) return first_error;

  const std::string name(ActionName(action.kind));
  auto event = std::make_unique<admin::v1::Event>();
  SetTimestamp(monitor.now(), event->mutable_time());
  event->set_kind("ACTION");
  event->set_target(ShownTarget(action.target));
  event->set_backend(backend);
  event->set_who(backend);
  event->set_action(name);
  event->set_asked_by(who);
  event->set_reason(reason);
  if (action.kind == ActionKind::kSetWeight) {
    event->set_to(absl::StrCat(action.weight));
  }
  monitor.events().Add(std::move(event));

  admin::v1::ActionResult result;
  result.set_action(name);
  result.set_backend(backend);
  result.set_pools(static_cast<uint32_t>(done));
  std::string message = absl::StrCat(backend, " ", DoneText(action.kind));
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

#include "multi_backend/observability/admin/messages.h"

#include <algorithm>

#include "multi_backend/observability/admin/proto_time.h"
#include "multi_backend/observability/admin/shown_text.h"

namespace multi_backend {
namespace {

using admin::v1::Attempt;
using admin::v1::Backend;
using admin::v1::Balancer;
using admin::v1::Call;
using admin::v1::Channel;
using admin::v1::Event;
using admin::v1::Route;

const char* Name(Sent sent) {
  switch (sent) {
    case Sent::kNever:
      return "NEVER";
    case Sent::kMaybe:
      return "MAYBE";
    case Sent::kAnswered:
      return "ANSWERED";
  }
  return "";
}

const char* Name(Retried retried) {
  switch (retried) {
    case Retried::kFirst:
      return "FIRST";
    case Retried::kDifferentBackend:
      return "DIFFERENT_BACKEND";
    case Retried::kSameBackend:
      return "SAME_BACKEND";
  }
  return "";
}

const char* Name(ChosenBy chosen_by) {
  switch (chosen_by) {
    case ChosenBy::kStrategy:
      return "STRATEGY";
    case ChosenBy::kStickyKey:
      return "STICKY_KEY";
    case ChosenBy::kFallback:
      return "FALLBACK";
    case ChosenBy::kTrial:
      return "TRIAL";
    case ChosenBy::kPanic:
      return "PANIC";
  }
  return "";
}

const char* Name(NextStep next) {
  switch (next) {
    case NextStep::kDone:
      return "DONE";
    case NextStep::kRetried:
      return "RETRIED";
    case NextStep::kReplayed:
      return "REPLAYED";
    case NextStep::kForbidden:
      return "FORBIDDEN";
    case NextStep::kNotRetriable:
      return "NOT_RETRIABLE";
    case NextStep::kRetriesUsedUp:
      return "RETRIES_USED_UP";
    case NextStep::kNoOtherBackend:
      return "NO_OTHER_BACKEND";
    case NextStep::kBudgetEmpty:
      return "BUDGET_EMPTY";
    case NextStep::kCallerGaveUp:
      return "CALLER_GAVE_UP";
  }
  return "";
}

const char* Name(PassedOver::Why why) {
  switch (why) {
    case PassedOver::Why::kTried:
      return "TRIED";
    case PassedOver::Why::kDown:
      return "DOWN";
    case PassedOver::Why::kOverloaded:
      return "OVERLOADED";
    case PassedOver::Why::kDraining:
      return "DRAINING";
    case PassedOver::Why::kFull:
      return "FULL";
    case PassedOver::Why::kOtherRole:
      return "OTHER_ROLE";
    case PassedOver::Why::kNoConnection:
      return "NO_CONNECTION";
    case PassedOver::Why::kSlowStart:
      return "SLOW_START";
  }
  return "";
}

const char* Name(StateChanged::Kind kind) {
  switch (kind) {
    case StateChanged::Kind::kBackend:
      return "BACKEND";
    case StateChanged::Kind::kConnections:
      return "CONNECTIONS";
    case StateChanged::Kind::kBacklog:
      return "BACKLOG";
    case StateChanged::Kind::kPanic:
      return "PANIC";
    case StateChanged::Kind::kDrain:
      return "DRAIN";
    case StateChanged::Kind::kWeight:
      return "WEIGHT";
    case StateChanged::Kind::kReconnect:
      return "RECONNECT";
  }
  return "";
}

const char* Name(Ejection ejection) {
  switch (ejection) {
    case Ejection::kNone:
      return "";
    case Ejection::kFailedCalls:
      return "FAILED_CALLS";
    case Ejection::kFailureRate:
      return "FAILURE_RATE";
  }
  return "";
}

google::protobuf::Duration NanosOf(int64_t nanos) {
  return DurationOf(absl::Nanoseconds(nanos));
}

void FillAttempt(const AttemptEnded& from, Attempt* to) {
  to->set_number(from.attempt);
  to->set_backend(ShownText(from.backend.text));
  to->set_address(ShownText(from.address));
  to->set_connection(from.connection);
  to->set_role(ShownText(from.role.text));
  to->set_status(absl::StatusCodeToString(from.status));
  to->set_message(ShownText(from.message));
  *to->mutable_started_after() = NanosOf(from.started_after_nanos);
  *to->mutable_duration() = NanosOf(from.latency_nanos);
  *to->mutable_waited_in_pick() = NanosOf(from.waited_in_pick_nanos);
  *to->mutable_waited_in_backlog() = NanosOf(from.waited_in_backlog_nanos);
  to->set_sent(Name(from.sent));
  to->set_chosen_by(Name(from.chosen_by));
  to->set_retried(Name(from.retried));
  to->set_next(Name(from.next));
  const size_t count = std::min(from.passed_over.size(), kMaxPassedOverShown);
  for (const PassedOver& passed : from.passed_over.subspan(0, count)) {
    auto* const over = to->add_passed_over();
    over->set_backend(ShownText(passed.backend));
    over->set_why(Name(passed.why));
  }
}

void FillBackend(const BackendStatus& from, Backend* to) {
  to->set_address(ShownText(from.address));
  to->set_name(ShownText(from.name));
  to->set_role(ShownText(from.role));
  to->set_zone(ShownText(from.zone));
  to->set_weight(from.weight);
  to->set_effective_weight(from.effective_weight);
  to->set_state(from.state);
  to->set_draining(from.draining);
  to->set_drained(from.drained);
  to->set_absent(from.absent);
  to->set_reason(ShownText(from.reason));
  if (from.since != absl::InfinitePast()) {
    SetTimestamp(from.since, to->mutable_since());
  }
  to->set_link(from.link);
  to->set_link_error(ShownText(from.link_error));
  to->set_connections(from.connections);
  to->set_in_flight(from.in_flight);
  to->set_calls(from.calls);
  to->set_failures(from.failures);
  to->set_retries_landed(from.retries_landed);
  to->set_ejections(from.ejections);
  to->set_probes_passed(from.probes_passed);
  to->set_probes_failed(from.probes_failed);
  to->set_last_probe(ShownText(from.last_probe));
}

void FillBalancer(const BalancerStatus& from, Balancer* to) {
  to->set_path(ShownText(from.path));
  to->set_strategy(ShownText(from.strategy));
  to->set_panic(from.panic);
  to->set_has_backlog(from.has_backlog);
  to->set_backlog_state(from.backlog_state);
  to->set_waiting(from.waiting);
  to->set_limit(from.limit);
}

void FillRoute(const RouteStatus& from, Route* to) {
  to->set_name(ShownText(from.name));
  to->set_role(ShownText(from.role));
  to->set_matches(from.matches);
  to->set_never_matched(from.matches == 0);
  to->set_last_method(ShownText(from.last_method));
}

bool TakesCalls(const BackendStatus& backend) {
  return !backend.absent && !backend.draining &&
         (backend.state == "ALIVE" || backend.state == "OVERLOADED");
}

}  // namespace

std::unique_ptr<Call> MakeCall(const CallEnded& call, absl::Time now) {
  auto result = std::make_unique<Call>();
  const absl::Duration duration = absl::Nanoseconds(call.latency_nanos);
  const bool has_start = call.start > absl::UnixEpoch();
  SetTimestamp(has_start ? call.start : now - duration,
               result->mutable_start());
  *result->mutable_duration() = DurationOf(duration);
  result->set_target(ShownTarget(call.target.text));
  result->set_method(ShownText(call.method.text));
  result->set_route(ShownText(call.route.text));
  result->set_role(ShownText(call.role));
  result->set_status(absl::StatusCodeToString(call.status));
  result->set_message(ShownText(call.message));
  *result->mutable_waited_in_pick() = NanosOf(call.waited_in_pick_nanos);
  *result->mutable_waited_in_backlog() = NanosOf(call.waited_in_backlog_nanos);
  result->set_attempts_made(call.attempts_made);
  result->set_last_step(Name(call.last_step));
  const size_t count = std::min(call.attempts.size(), kMaxAttemptsShown);
  for (const AttemptEnded& attempt : call.attempts.subspan(0, count)) {
    FillAttempt(attempt, result->add_attempts());
  }
  return result;
}

std::unique_ptr<Event> MakeEvent(const StateChanged& change) {
  auto event = std::make_unique<Event>();
  SetTimestamp(change.time, event->mutable_time());
  event->set_kind(Name(change.kind));
  event->set_target(ShownTarget(change.target.text));
  event->set_backend(ShownText(change.backend.text));
  event->set_who(ShownText(change.who));
  event->set_from(ShownText(change.from));
  event->set_to(ShownText(change.to));
  event->set_reason(ShownText(change.reason));
  event->set_asked_by(ShownText(change.asked_by));
  event->set_ejection(Name(change.ejection));
  return event;
}

Channel MakeChannel(const ChannelStatus& status, absl::Time now,
                    size_t max_backends) {
  Channel channel;
  channel.set_target(ShownTarget(status.target));
  channel.set_state(status.state);
  const size_t shown = std::min(status.backends.size(), max_backends);
  uint64_t usable = 0;
  for (size_t i = 0; i < status.backends.size(); ++i) {
    if (TakesCalls(status.backends[i])) ++usable;
    if (i < shown) FillBackend(status.backends[i], channel.add_backends());
  }
  channel.set_backends_usable(usable);
  channel.set_backends_left_out(status.backends.size() - shown);
  for (const BalancerStatus& balancer : status.balancers) {
    FillBalancer(balancer, channel.add_balancers());
  }
  for (const RouteStatus& route : status.routes) {
    FillRoute(route, channel.add_routes());
  }
  for (const std::string& warning : status.warnings) {
    channel.add_warnings(ShownText(warning));
  }
  const ResolverStatus& resolver = status.resolver;
  auto* const shown_resolver = channel.mutable_resolver();
  shown_resolver->set_target(ShownTarget(resolver.target));
  shown_resolver->set_updates(resolver.updates);
  shown_resolver->set_errors(resolver.errors);
  if (resolver.last_success != absl::InfinitePast()) {
    SetTimestamp(resolver.last_success, shown_resolver->mutable_last_success());
    *shown_resolver->mutable_list_age() =
        DurationOf(std::max(now - resolver.last_success, absl::Duration()));
  }
  shown_resolver->set_last_error(ShownText(resolver.last_error));
  shown_resolver->set_endpoints(resolver.endpoints);
  return channel;
}

}  // namespace multi_backend

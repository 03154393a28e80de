#include "multi_backend/observability/trail/call_trail.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// ToString() is one line, so its texts are shorter than those kept.
constexpr size_t kMaxShownBytes = 120;

std::string Bounded(absl::string_view text) {
  return std::string(text.substr(0, CallTrail::kMaxTextBytes));
}

std::string Shown(absl::string_view text) {
  return Excerpt(text, kMaxShownBytes);
}

std::string Millis(absl::Duration duration) {
  const double millis = absl::ToDoubleMilliseconds(duration);
  if (millis >= 10'000) return absl::StrFormat("%.1f s", millis / 1000);
  if (millis >= 10) return absl::StrFormat("%.0f ms", millis);
  return absl::StrFormat("%.1f ms", millis);
}

void AppendWaits(absl::Duration in_pick, absl::Duration in_backlog,
                 std::vector<std::string>& notes) {
  if (in_pick > absl::ZeroDuration()) {
    notes.push_back(absl::StrCat("waited ", Millis(in_pick)));
  }
  if (in_backlog > absl::ZeroDuration()) {
    notes.push_back(
        absl::StrCat("waited ", Millis(in_backlog), " in the backlog"));
  }
}

std::vector<std::string> NotesOn(const TrailAttempt& attempt) {
  std::vector<std::string> notes;
  AppendWaits(attempt.waited_in_pick, attempt.waited_in_backlog, notes);
  if (attempt.status != absl::StatusCode::kOk) {
    notes.push_back(attempt.sent == Sent::kAnswered && !attempt.message.empty()
                        ? absl::StrCat("answered: ", Shown(attempt.message))
                        : std::string(Describe(attempt.sent)));
  }
  if (attempt.chosen_by != ChosenBy::kStrategy) {
    notes.emplace_back(Describe(attempt.chosen_by));
  }
  for (const PassedOverBackend& passed : attempt.passed_over) {
    // The attempts before show these.
    if (passed.why == PassedOver::Why::kTried) continue;
    notes.push_back(
        absl::StrCat(Shown(passed.backend), " ", Describe(passed.why)));
  }
  return notes;
}

std::string Describe(const TrailAttempt& attempt) {
  std::string text = Shown(attempt.backend);
  if (attempt.address != attempt.backend) {
    absl::StrAppend(&text, " ", Shown(attempt.address));
  }
  if (attempt.connection != 1) {
    absl::StrAppend(&text, " connection ", attempt.connection);
  }
  absl::StrAppend(&text, " ", absl::StatusCodeToString(attempt.status),
                  " after ", Millis(attempt.latency));
  const std::vector<std::string> notes = NotesOn(attempt);
  if (!notes.empty()) {
    absl::StrAppend(&text, " (", absl::StrJoin(notes, ", "), ")");
  }
  return text;
}

bool LedToAnother(NextStep step) {
  return step == NextStep::kRetried || step == NextStep::kReplayed;
}

TrailAttempt Copy(const AttemptEnded& ended) {
  TrailAttempt attempt;
  attempt.backend = Bounded(ended.backend.text);
  attempt.address = Bounded(ended.address);
  attempt.role = Bounded(ended.role.text);
  attempt.connection = ended.connection;
  attempt.attempt = ended.attempt;
  attempt.retried = ended.retried;
  attempt.chosen_by = ended.chosen_by;
  attempt.sent = ended.sent;
  attempt.status = ended.status;
  attempt.message = Bounded(ended.message);
  attempt.started_after = absl::Nanoseconds(ended.started_after_nanos);
  attempt.latency = absl::Nanoseconds(ended.latency_nanos);
  attempt.waited_in_pick = absl::Nanoseconds(ended.waited_in_pick_nanos);
  attempt.waited_in_backlog = absl::Nanoseconds(ended.waited_in_backlog_nanos);
  attempt.next = ended.next;
  for (const PassedOver& passed : ended.passed_over) {
    attempt.passed_over.push_back({Bounded(passed.backend), passed.why});
  }
  return attempt;
}

}  // namespace

CallTrail CallTrail::Of(const CallEnded& call) {
  CallTrail trail;
  trail.target = Bounded(call.target.text);
  trail.method = Bounded(call.method.text);
  trail.route = Bounded(call.route.text);
  trail.role = Bounded(call.role);
  trail.status = call.status;
  trail.message = Bounded(call.message);
  trail.start = call.start;
  trail.latency = absl::Nanoseconds(call.latency_nanos);
  trail.waited_in_pick = absl::Nanoseconds(call.waited_in_pick_nanos);
  trail.waited_in_backlog = absl::Nanoseconds(call.waited_in_backlog_nanos);
  trail.attempts_made = call.attempts_made;
  trail.last_step = call.last_step;
  trail.attempts.reserve(call.attempts.size());
  for (const AttemptEnded& attempt : call.attempts) {
    trail.attempts.push_back(Copy(attempt));
  }
  return trail;
}

std::string CallTrail::ToString() const {
  if (attempts.empty()) {
    std::vector<std::string> notes;
    AppendWaits(waited_in_pick, waited_in_backlog, notes);
    std::string text =
        absl::StrCat("no attempt: ", absl::StatusCodeToString(status),
                     " after ", Millis(latency));
    if (!notes.empty()) {
      absl::StrAppend(&text, " (", absl::StrJoin(notes, ", "), ")");
    }
    if (!message.empty()) absl::StrAppend(&text, ": ", Shown(message));
    return text;
  }
  std::string text;
  for (size_t i = 0; i < attempts.size(); ++i) {
    if (i > 0) {
      absl::StrAppend(&text, attempts[i - 1].next == NextStep::kReplayed
                                 ? "; replayed: "
                                 : "; retried: ");
    }
    absl::StrAppend(&text, Describe(attempts[i]));
  }
  if (status != absl::StatusCode::kOk && last_step != NextStep::kDone &&
      !LedToAnother(last_step)) {
    absl::StrAppend(&text, "; no retry: ", Describe(last_step));
  }
  return text;
}

absl::string_view Describe(Sent sent) {
  switch (sent) {
    case Sent::kNever:
      return "not sent";
    case Sent::kMaybe:
      return "sent, no answer";
    case Sent::kAnswered:
      return "answered";
  }
  return "";
}

absl::string_view Describe(PassedOver::Why why) {
  switch (why) {
    case PassedOver::Why::kTried:
      return "tried before";
    case PassedOver::Why::kDown:
      return "down";
    case PassedOver::Why::kOverloaded:
      return "overloaded";
    case PassedOver::Why::kDraining:
      return "draining";
    case PassedOver::Why::kFull:
      return "full";
    case PassedOver::Why::kOtherRole:
      return "of another role";
    case PassedOver::Why::kNoConnection:
      return "not connected";
    case PassedOver::Why::kSlowStart:
      return "in slow start";
  }
  return "";
}

absl::string_view Describe(NextStep step) {
  switch (step) {
    case NextStep::kDone:
      return "done";
    case NextStep::kRetried:
      return "retried";
    case NextStep::kReplayed:
      return "replayed";
    case NextStep::kForbidden:
      return "the route forbids it";
    case NextStep::kNotRetriable:
      return "this end is not retriable";
    case NextStep::kRetriesUsedUp:
      return "the retries are used up";
    case NextStep::kNoOtherBackend:
      return "no other backend";
    case NextStep::kBudgetEmpty:
      return "the retry budget is empty";
    case NextStep::kCallerGaveUp:
      return "the caller gave up";
  }
  return "";
}

absl::string_view Describe(ChosenBy chosen_by) {
  switch (chosen_by) {
    case ChosenBy::kStrategy:
      return "";
    case ChosenBy::kStickyKey:
      return "by its key";
    case ChosenBy::kFallback:
      return "as the fallback";
    case ChosenBy::kTrial:
      return "as a trial";
    case ChosenBy::kPanic:
      return "in panic";
  }
  return "";
}

}  // namespace multi_backend

#include "multi_backend/call/call_record.h"

#include <algorithm>

#include "absl/time/time.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/clock/steady_now.h"

namespace multi_backend {
namespace {

constexpr int kPick = static_cast<int>(CallRecord::Place::kPick);
constexpr int kBacklog = static_cast<int>(CallRecord::Place::kBacklog);

int64_t Load(const std::atomic<int64_t>& value) {
  return value.load(std::memory_order_relaxed);
}

void Add(std::atomic<int64_t>& value, int64_t more) {
  value.fetch_add(more, std::memory_order_relaxed);
}

// What follows the attempt if core does not ask.
NextStep UnaskedStep(const AttemptEnd& end) {
  if (end.code == absl::StatusCode::kOk) return NextStep::kDone;
  if (end.caller_gave_up) return NextStep::kCallerGaveUp;
  return end.retriable && !end.makes_retries ? NextStep::kRetriesUsedUp
                                             : NextStep::kNotRetriable;
}

Sent SentOfEnded(absl::StatusCode code, const StreamReport* stream) {
  if (code == absl::StatusCode::kOk) return Sent::kAnswered;
  if (stream == nullptr) return Sent::kMaybe;
  if (stream->from_server) return Sent::kAnswered;
  return stream->sent ? Sent::kMaybe : Sent::kNever;
}

// The transport may be writing at this moment.
Sent SentOfOpen(const StreamReport* stream) {
  return stream != nullptr && !stream->watched ? Sent::kNever : Sent::kMaybe;
}

}  // namespace

CallRecord::CallRecord(Call call)
    : call_(std::move(call)),
      whole_trail_(
          call_.reader != nullptr ||
          (call_.observer != nullptr && call_.observer->SamplesNextCall())),
      keeps_attempts_(whole_trail_ ||
                      (call_.observer != nullptr &&
                       call_.observer->wants_failed_and_retried())) {}

void CallRecord::OnQueued(Place place, int64_t now) {
  OnPicked(now);
  queued_in_.store(place, std::memory_order_relaxed);
  queued_since_.store(now, std::memory_order_relaxed);
}

void CallRecord::OnPicked(int64_t now) {
  // The call's end may take the time meanwhile.
  const int64_t since = queued_since_.exchange(0, std::memory_order_relaxed);
  if (since == 0) return;
  Add(waited_nanos_[static_cast<int>(
          queued_in_.load(std::memory_order_relaxed))],
      std::max<int64_t>(now - since, 0));
}

AttemptRecord& CallRecord::AddAttempt(AttemptRecord::Choice choice) {
  if (!first_attempt_.has_value()) {
    return first_attempt_.emplace(std::move(choice));
  }
  return further_attempts_.emplace_front(std::move(choice));
}

int64_t CallRecord::TakeWait(Place place) {
  std::atomic<int64_t>& waited = waited_nanos_[static_cast<int>(place)];
  if (Load(waited) == 0) return 0;
  const int64_t nanos = waited.exchange(0, std::memory_order_relaxed);
  Add(waited_before_nanos_[static_cast<int>(place)], nanos);
  return nanos;
}

void CallRecord::OnAttemptStarted(AttemptRecord& attempt,
                                  const StreamReport* stream, bool is_replay,
                                  int64_t now) {
  AttemptRecord* const previous = newest_.load(std::memory_order_relaxed);
  if (previous != nullptr && is_replay) {
    previous->next_.store(NextStep::kReplayed, std::memory_order_relaxed);
  }
  attempt.previous_ = previous;
  attempt.stream_ = stream;
  attempt.start_nanos_ = now;
  const BackendLabels& backend = *attempt.choice_.backend;
  AttemptEnded& told = attempt.told_;
  if (call_.observer != nullptr) told.target = call_.observer->target();
  told.method = call_.method;
  told.backend = backend.name;
  told.role = backend.role;
  if (call_.route != nullptr) told.route = *call_.route;
  told.address = backend.address;
  told.connection = attempt.choice_.connection;
  told.attempt = attempts() + 1;
  told.retried = told.attempt == 1              ? Retried::kFirst
                 : attempt.choice_.tried_before ? Retried::kSameBackend
                                                : Retried::kDifferentBackend;
  told.chosen_by = attempt.choice_.chosen_by;
  told.started_after_nanos = now - start_nanos_;
  told.waited_in_pick_nanos = TakeWait(Place::kPick);
  told.waited_in_backlog_nanos = TakeWait(Place::kBacklog);
  attempts_.store(told.attempt, std::memory_order_relaxed);
  newest_.store(&attempt, std::memory_order_release);
}

bool CallRecord::Claim(AttemptRecord& attempt) {
  AttemptRecord::State open = AttemptRecord::State::kOpen;
  return attempt.state_.compare_exchange_strong(
      open, AttemptRecord::State::kClosing, std::memory_order_acquire);
}

void CallRecord::Close(AttemptRecord& attempt, absl::StatusCode code,
                       absl::string_view message, Sent sent, NextStep next,
                       int64_t now) {
  AttemptEnded& told = attempt.told_;
  told.latency_nanos = now - attempt.start_nanos_;
  told.status = code;
  told.sent = sent;
  if (!message.empty()) {
    attempt.message_ = std::string(message);
    told.message = attempt.message_;
  }
  attempt.next_.store(next, std::memory_order_relaxed);
  attempt.state_.store(AttemptRecord::State::kClosed,
                       std::memory_order_release);
  if (call_.observer != nullptr) call_.observer->OnAttemptEnded(told);
}

void CallRecord::OnAttemptEnded(AttemptRecord& attempt, const AttemptEnd& end,
                                int64_t now) {
  if (!Claim(attempt)) return;
  Close(attempt, end.code, end.message, SentOfEnded(end.code, attempt.stream_),
        UnaskedStep(end), now);
}

void CallRecord::OnNextStep(NextStep step, int64_t now) {
  AttemptRecord* const newest = newest_.load(std::memory_order_acquire);
  if (newest == nullptr) return;
  if (Claim(*newest)) {
    Close(*newest, absl::StatusCode::kDeadlineExceeded, kAttemptTimeoutMessage,
          SentOfOpen(newest->stream_), step, now);
  } else {
    newest->next_.store(step, std::memory_order_relaxed);
  }
}

void CallRecord::CloseOpenAttempts(absl::StatusCode code, int64_t now) {
  const absl::StatusCode given_up = code == absl::StatusCode::kDeadlineExceeded
                                        ? code
                                        : absl::StatusCode::kCancelled;
  for (AttemptRecord* attempt = newest_.load(std::memory_order_acquire);
       attempt != nullptr; attempt = attempt->previous_) {
    if (!Claim(*attempt)) continue;
    Close(*attempt, given_up, "", SentOfOpen(attempt->stream_),
          NextStep::kCallerGaveUp, now);
  }
}

NextStep CallRecord::LastStep(absl::StatusCode code) const {
  if (code == absl::StatusCode::kOk) return NextStep::kDone;
  const AttemptRecord* const newest = newest_.load(std::memory_order_acquire);
  const NextStep step = newest == nullptr
                            ? NextStep::kRetried
                            : newest->next_.load(std::memory_order_relaxed);
  if (step != NextStep::kRetried && step != NextStep::kReplayed) return step;
  // Another attempt was allowed, but has not come about.
  return MayMeanGivenUp(code) && !pick_failed_.load(std::memory_order_relaxed)
             ? NextStep::kCallerGaveUp
             : NextStep::kNoOtherBackend;
}

std::vector<AttemptEnded> CallRecord::Attempts() const {
  std::vector<AttemptEnded> attempts;
  for (const AttemptRecord* attempt = newest_.load(std::memory_order_acquire);
       attempt != nullptr; attempt = attempt->previous_) {
    // Another thread may be about to tell of its end.
    if (attempt->state_.load(std::memory_order_acquire) !=
        AttemptRecord::State::kClosed) {
      continue;
    }
    attempts.push_back(attempt->told_);
    attempts.back().next = attempt->next_.load(std::memory_order_relaxed);
    attempts.back().passed_over = attempt->choice_.passed_over;
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

void CallRecord::OnCallEnded(absl::StatusCode code, absl::string_view message,
                             int64_t now) {
  if (ended_.exchange(true, std::memory_order_relaxed)) return;
  OnPicked(now);
  CloseOpenAttempts(code, now);
  CallEnded call;
  if (call_.observer != nullptr) call.target = call_.observer->target();
  call.method = call_.method;
  if (call_.route != nullptr) call.route = *call_.route;
  call.role = call_.role;
  call.status = code;
  call.message = message;
  call.latency_nanos = now - start_nanos_;
  call.waited_in_pick_nanos =
      Load(waited_nanos_[kPick]) + Load(waited_before_nanos_[kPick]);
  call.waited_in_backlog_nanos =
      Load(waited_nanos_[kBacklog]) + Load(waited_before_nanos_[kBacklog]);
  call.attempts_made = attempts();
  call.last_step = LastStep(code);
  std::vector<AttemptEnded> trail;
  if (whole_trail_ || (keeps_attempts_ && (code != absl::StatusCode::kOk ||
                                           call.attempts_made > 1))) {
    trail = Attempts();
    call.attempts = trail;
    call.start = SteadyTime(start_nanos_);
  }
  if (call_.observer != nullptr) call_.observer->OnCallEnded(call);
  if (call_.reader != nullptr) call_.reader->OnCallEnded(call);
}

void CallRecord::ReportUnrouted(const CallObserver& observer,
                                absl::string_view method, absl::StatusCode code,
                                absl::string_view message, int64_t start_nanos,
                                int64_t now) {
  CallEnded call;
  call.target = observer.target();
  call.method = Label(method);
  call.status = code;
  call.message = message;
  call.latency_nanos = now - start_nanos;
  call.waited_in_pick_nanos = call.latency_nanos;
  call.last_step = MayMeanGivenUp(code) ? NextStep::kCallerGaveUp
                                        : NextStep::kNoOtherBackend;
  call.start = SteadyTime(start_nanos);
  observer.OnCallEnded(call);
}

}  // namespace multi_backend

// CallRecord: what one call has done so far.  It tells the channel's sinks of
// each attempt that ends, and once of the call's end.
//
// The LB policy records the picks, the attempts and the decisions on retries;
// call/grpc/filters record the call's end.  Calls that nobody observes have no
// record.
//
//   record.OnQueued(CallRecord::Place::kBacklog, now);  // A pick found none.
//   record.OnPicked(now);                               // A later one did.
//   AttemptRecord& attempt = record.AddAttempt(choice);
//   record.OnAttemptStarted(attempt, stream, /*is_replay=*/false, now);
//   record.OnAttemptEnded(attempt, end, now);
//   record.OnNextStep(NextStep::kRetried, now);
//   … the next attempt …
//   record.OnCallEnded(code, message, now);
//
// A record lives in the call's arena.  It owns memory, its attempts among it,
// so the arena must destroy it.
//
// Threads: core serialises the ends of attempts, the decisions and the call's
// end.  A pick, or the start of an attempt, may run while the caller cancels
// the call.  An attempt that starts after the call's end is reported when it
// ends.  The sinks run on the calling thread.
//
// Pure: times are nanoseconds of one monotonic clock, std::chrono's in
// production.
#ifndef MULTI_BACKEND_CALL_CALL_RECORD_H_
#define MULTI_BACKEND_CALL_CALL_RECORD_H_

#include <atomic>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "multi_backend/call/backend_labels.h"
#include "multi_backend/call/call_observer.h"
#include "multi_backend/call/stream_report.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

class CallRecord;

// One attempt of a call.
class AttemptRecord {
 public:
  // What the pick knows.
  struct Choice {
    std::shared_ptr<const BackendLabels> backend;  // Never null.
    int connection = 1;  // Of the backend's connections, from 1.
    ChosenBy chosen_by = ChosenBy::kStrategy;
    bool tried_before = false;  // By this call.
    // Must live as long as the call, with its names.
    absl::Span<const PassedOver> passed_over;
  };
  explicit AttemptRecord(Choice choice) : choice_(std::move(choice)) {}

 private:
  friend class CallRecord;
  enum class State : uint8_t { kOpen, kClosing, kClosed };

  const Choice choice_;
  AttemptRecord* previous_ = nullptr;
  // Set when it starts:
  const StreamReport* stream_ = nullptr;
  int64_t start_nanos_ = 0;
  // What the sinks are told.  The first part is set when it starts, the rest
  // when it ends, by whoever has moved the state from kOpen.
  AttemptEnded told_;
  std::string message_;  // That of told_.
  std::atomic<State> state_{State::kOpen};
  std::atomic<NextStep> next_{NextStep::kDone};
};

// Whether a call that its caller gave up ends with this status.  Others may,
// too.
constexpr bool MayMeanGivenUp(absl::StatusCode code) {
  return code == absl::StatusCode::kCancelled ||
         code == absl::StatusCode::kDeadlineExceeded;
}

// How an attempt ended.
struct AttemptEnd {
  absl::StatusCode code = absl::StatusCode::kOk;
  absl::string_view message;
  // The caller cancelled the call, or its deadline passed.
  bool caller_gave_up = false;
  // Whether this end would allow another attempt, if core makes one; and
  // whether the channel makes any.
  bool retriable = false;
  bool makes_retries = true;
};

class CallRecord {
 public:
  // Receives what the sinks receive, with the call's whole trail.
  class TrailReader {
   public:
    virtual ~TrailReader() = default;
    virtual void OnCallEnded(const CallEnded& call) = 0;
  };

  struct Call {
    // Both must outlive the record, as must all views; null for none.
    CallObserver* observer = nullptr;
    const Label* route = nullptr;
    absl::string_view role;  // That the route asks for.
    Label method;            // "/package.Service/Method".
    // Core queues the call when a pick fails.
    bool wait_for_ready = false;
    std::shared_ptr<TrailReader> reader;  // Null for none.
  };
  explicit CallRecord(Call call);

  CallRecord(const CallRecord&) = delete;
  CallRecord& operator=(const CallRecord&) = delete;

  // When the call began.  Call it before the first attempt.
  void SetStart(int64_t start_nanos) { start_nanos_ = start_nanos; }

  const Label& method() const { return call_.method; }
  // Whether AttemptRecord::Choice::passed_over is wanted of the next pick.
  bool WantsPassedOver() const {
    return whole_trail_ || (keeps_attempts_ && attempts() > 0);
  }
  int attempts() const { return attempts_.load(std::memory_order_relaxed); }

  // --- Picks -----------------------------------------------------------------

  enum class Place : uint8_t { kPick, kBacklog };
  // A pick found no backend, and the call waits from now on in `place`.
  void OnQueued(Place place, int64_t now);
  // A pick failed.  A call that is not ready to wait ends.
  void OnPickFailed(int64_t now) {
    if (call_.wait_for_ready) {
      OnQueued(Place::kPick, now);
    } else {
      OnDropped(now);
    }
  }
  // A pick ended the call.
  void OnDropped(int64_t now) {
    OnPicked(now);
    pick_failed_.store(true, std::memory_order_relaxed);
  }
  // Whether OnPicked() has something to do.
  bool is_queued() const {
    return queued_since_.load(std::memory_order_relaxed) != 0;
  }
  // A pick found a backend.
  void OnPicked(int64_t now);

  // --- Attempts --------------------------------------------------------------

  // A pick has chosen a backend.  Core may drop the pick, and then the attempt
  // never starts.  Picks of one call follow each other.
  AttemptRecord& AddAttempt(AttemptRecord::Choice choice);
  // `stream` must live as long as the call.
  void OnAttemptStarted(AttemptRecord& attempt, const StreamReport* stream,
                        bool is_replay, int64_t now);
  void OnAttemptEnded(AttemptRecord& attempt, const AttemptEnd& end,
                      int64_t now);
  // It was decided what follows the newest attempt.  If that has not ended, it
  // has run into perTryTimeout, and counts as ended now.
  void OnNextStep(NextStep step, int64_t now);

  // --- The end ---------------------------------------------------------------

  // Only the first call has an effect.
  void OnCallEnded(absl::StatusCode code, absl::string_view message,
                   int64_t now);

  // Tells of a call that ended before it was routed; it has no record.
  static void ReportUnrouted(const CallObserver& observer,
                             absl::string_view method, absl::StatusCode code,
                             absl::string_view message, int64_t start_nanos,
                             int64_t now);

 private:
  // The time that the call has waited there since the last attempt.
  int64_t TakeWait(Place place);
  // True for the one who may end the attempt.
  static bool Claim(AttemptRecord& attempt);
  void Close(AttemptRecord& attempt, absl::StatusCode code,
             absl::string_view message, Sent sent, NextStep next, int64_t now);
  void CloseOpenAttempts(absl::StatusCode code, int64_t now);
  NextStep LastStep(absl::StatusCode code) const;
  std::vector<AttemptEnded> Attempts() const;

  const Call call_;
  const bool whole_trail_;
  const bool keeps_attempts_;
  int64_t start_nanos_ = 0;
  // Most calls have one attempt, which then costs no allocation.
  absl::optional<AttemptRecord> first_attempt_;
  std::forward_list<AttemptRecord> further_attempts_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> pick_failed_{false};
  std::atomic<int> attempts_{0};
  std::atomic<AttemptRecord*> newest_{nullptr};
  // By Place.  The first two belong to the pick that goes on.
  std::atomic<int64_t> queued_since_{0};  // 0 = it does not wait.
  std::atomic<Place> queued_in_{Place::kPick};
  std::atomic<int64_t> waited_nanos_[2] = {};  // Since the last attempt.
  std::atomic<int64_t> waited_before_nanos_[2] = {};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_CALL_RECORD_H_

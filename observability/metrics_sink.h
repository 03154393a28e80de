// MetricsSink: what a channel tells about its calls and its backends.
//
// The library knows observers only by this interface.  ChannelExtras::sinks
// gives a channel its sinks; observability/metrics has one that aggregates.
//
//   class SlowAttempts : public multi_backend::MetricsSink {
//     void OnAttemptEnded(const AttemptEnded& attempt) override {
//       if (attempt.latency_nanos > 1'000'000'000) …
//     }
//   };
//
// Threads: every method may be called on any thread and by several at once, on
// threads of gRPC that other calls wait for.  So a sink must not block.  No
// lock of the library is held, but a sink must not make calls or destroy
// channels in it.  All views are valid only during the call.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_SINK_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_SINK_H_

#include <cstdint>
#include <memory>

#include "absl/base/attributes.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace multi_backend {

class ChannelSource;  // channel_source.h

// A text and its hash.  The text seldom changes from call to call, so a sink
// that looks up something by it need not hash it each time.
struct Label {
  Label() = default;
  explicit Label(absl::string_view label_text ABSL_ATTRIBUTE_LIFETIME_BOUND)
      : text(label_text),
        hash(label_text.empty() ? 0 : absl::HashOf(label_text)) {}

  absl::string_view text;
  // The same for the same text, in this process; 0 for "".
  uint64_t hash = 0;
};

// How much of an attempt the backend may have seen.
enum class Sent : uint8_t {
  kNever,     // Nothing was written to the connection.
  kMaybe,     // Something was, and the backend sent no status.
  kAnswered,  // The backend ended the attempt with a status.
};

// How an attempt came about.
enum class Retried : uint8_t {
  kFirst,             // It is no retry.
  kDifferentBackend,  // The call had not tried this backend before.
  kSameBackend,       // It had: there was no other, or core replayed it.
};

// Why the pick chose the backend.
enum class ChosenBy : uint8_t {
  kStrategy,   // The balancer's strategy alone.
  kStickyKey,  // The strategy STICKY, by the call's key.
  kFallback,   // The role of the route had none; `whenUnavailable` led here.
  kTrial,      // The call tries a backend that was down.
  kPanic,      // Too few were usable, so their states did not count.
};

// What became of the call when an attempt had ended, or a pick had failed.
enum class NextStep : uint8_t {
  kDone,            // The attempt succeeded.
  kRetried,         // Another attempt was allowed.
  kReplayed,        // The backend saw nothing, so core sent the call again.
  kForbidden,       // The route says `retry: NEVER`.
  kNotRetriable,    // The status, or how far the attempt came, forbids it.
  kRetriesUsedUp,   // The call has made `failover.maxRetries`.
  kNoOtherBackend,  // The call has tried every backend that could serve it.
  kBudgetEmpty,     // The channel has made too many retries.
  kCallerGaveUp,    // The caller cancelled the call, or its deadline passed.
};

// A backend that a pick did not choose, and why.
struct PassedOver {
  enum class Why : uint8_t {
    kTried,       // By this call, before.
    kDown,        // DOWN, marked, or on trial.
    kOverloaded,  // OVERLOADED, while others were not.
    kDraining,    // Weight 0, or Drain().
    kFull,        // At maxRequestsPerBackend.
    kOtherRole,   // Not of the role that the route asks for.
    kNoConnection,
    kSlowStart,
  };
  absl::string_view backend;  // host:port as listed.
  Why why = Why::kTried;
};

struct AttemptEnded {
  Label target;   // The channel's target as the application wrote it.
  Label method;   // "/package.Service/Method".
  Label backend;  // host:port as listed.
  Label role;     // Of the backend, "" for none.
  Label route;    // RouteName() of the rule that decided, "" for none.
  absl::string_view address;  // "ip:port" of the backend.
  int connection = 1;         // Of the backend's connections, from 1.
  int attempt = 1;            // Of the call, from 1.
  Retried retried = Retried::kFirst;
  ChosenBy chosen_by = ChosenBy::kStrategy;
  Sent sent = Sent::kNever;
  // CANCELLED when the caller gave up.  It is what the attempt ended with, so
  // a timeout of `failover.perTryTimeout` is DEADLINE_EXCEEDED.
  absl::StatusCode status = absl::StatusCode::kOk;
  absl::string_view message;
  // From the beginning of the call to the beginning of the attempt.
  int64_t started_after_nanos = 0;
  int64_t latency_nanos = 0;
  // How long the attempt waited for a backend: in gRPC's queue of picks, and
  // in a backlog of ours.
  int64_t waited_in_pick_nanos = 0;
  int64_t waited_in_backlog_nanos = 0;
  // Known only in CallEnded::attempts; else kDone and none.
  NextStep next = NextStep::kDone;
  absl::Span<const PassedOver> passed_over;
};

struct CallEnded {
  Label target;
  Label method;
  Label route;
  absl::string_view role;  // The role that the route asks for, "" for none.
  absl::StatusCode status = absl::StatusCode::kOk;
  absl::string_view message;
  absl::Time start;  // Set if a sink has asked for the trail of this call.
  int64_t latency_nanos = 0;
  // In all, also for a backend that never came.
  int64_t waited_in_pick_nanos = 0;
  int64_t waited_in_backlog_nanos = 0;
  int attempts_made = 0;
  // What kept the call from another attempt; kDone when it needed none.
  NextStep last_step = NextStep::kDone;
  // The attempts, in order, if this or another sink has asked for the trail of
  // this call; else empty.  `passed_over` is set for retries, and for the
  // others only where a sink has asked for the whole trail.
  absl::Span<const AttemptEnded> attempts;
};

// Whether, and why, calls took a backend out of use.
enum class Ejection : uint8_t {
  kNone,         // The change is no ejection.
  kFailedCalls,  // Failures in a row.
  kFailureRate,  // The share of calls that failed.
};

struct StateChanged {
  enum class Kind : uint8_t {
    kBackend,
    kConnections,
    kBacklog,
    kPanic,
    kDrain,      // "serving", "draining", "drained".
    kWeight,     // "listed", or a number.
    kReconnect,  // By ResetBackoff().
  };
  Kind kind = Kind::kBackend;
  Label target;
  Label backend;           // host:port as listed; "" unless it is about one.
  absl::string_view who;   // The backend's address, or the balancer's path.
  absl::string_view from;  // "ALIVE", …, as PoolEvent.
  absl::string_view to;
  absl::string_view reason;    // One sentence.
  absl::string_view asked_by;  // Who asked for it; "" when nobody did, or said.
  // What took the backend out, if calls did.
  Ejection ejection = Ejection::kNone;
  absl::Time time;
};

// How much of the trails of calls a sink wants; see CallEnded::attempts.
struct TrailSampling {
  // The attempts of every call that failed or was retried.
  bool failed_and_retried = false;
  // The whole trail of one call in this many; 0 = none.
  uint32_t one_in = 0;
};

class MetricsSink {
 public:
  virtual ~MetricsSink() = default;

  // Once for each attempt that was started, when it has ended.
  virtual void OnAttemptEnded(const AttemptEnded& attempt);
  // Once for each call.
  virtual void OnCallEnded(const CallEnded& call);
  // A backend, a backlog or a balancer of the channel changed its state.
  virtual void OnStateChanged(const StateChanged& change);
  // A channel begins to report to this sink.  `channel` tells its present
  // state, as long as the channel lives.
  virtual void OnChannel(const std::weak_ptr<ChannelSource>& channel);

  // Asked when a channel begins to resolve its target, so again after it has
  // been idle.
  virtual TrailSampling trail_sampling() const;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_SINK_H_

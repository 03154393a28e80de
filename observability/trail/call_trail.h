// CallTrail: which backends one call tried, and why, as values of its own.
//
//   trail.ToString();  // One line:
//   b2:50051 UNAVAILABLE after 12 ms (sent, no answer); retried: b3:50051 OK
//   after 4.0 ms (b1:50051 down)
//
// Error texts and names may come from servers and from discovery.  They are cut
// to kMaxTextBytes when they are copied, and ToString() escapes what is not
// printable ASCII.
//
// Pure.
#ifndef MULTI_BACKEND_OBSERVABILITY_TRAIL_CALL_TRAIL_H_
#define MULTI_BACKEND_OBSERVABILITY_TRAIL_CALL_TRAIL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

// PassedOver with a name of its own.
struct PassedOverBackend {
  std::string backend;  // host:port as listed.
  PassedOver::Why why = PassedOver::Why::kTried;
};

// AttemptEnded with values of its own.  Its fields mean the same.
struct TrailAttempt {
  std::string backend;  // host:port as listed.
  std::string address;  // "ip:port".
  std::string role;
  int connection = 1;
  int attempt = 1;  // Of the call, from 1.
  Retried retried = Retried::kFirst;
  ChosenBy chosen_by = ChosenBy::kStrategy;
  Sent sent = Sent::kNever;
  absl::StatusCode status = absl::StatusCode::kOk;
  std::string message;
  absl::Duration started_after;  // After the beginning of the call.
  absl::Duration latency;
  absl::Duration waited_in_pick;
  absl::Duration waited_in_backlog;
  NextStep next = NextStep::kDone;
  std::vector<PassedOverBackend> passed_over;
};

// CallEnded with values of its own.  Its fields mean the same.
struct CallTrail {
  static constexpr size_t kMaxTextBytes = 500;

  // Copies what `call` shows.  `attempts` is empty if `call` has no trail.
  static CallTrail Of(const CallEnded& call);

  std::string ToString() const;

  std::string target;
  std::string method;  // "/package.Service/Method".
  std::string route;   // RouteName() of the rule that decided, "" for none.
  std::string role;    // The role that the route asks for, "" for none.
  absl::StatusCode status = absl::StatusCode::kOk;
  std::string message;
  absl::Time start = absl::InfinitePast();
  absl::Duration latency;
  absl::Duration waited_in_pick;
  absl::Duration waited_in_backlog;
  int attempts_made = 0;
  NextStep last_step = NextStep::kDone;
  std::vector<TrailAttempt> attempts;
};

// Short words for people: "not sent", "down", "the retry budget is empty".
absl::string_view Describe(Sent sent);
absl::string_view Describe(PassedOver::Why why);
absl::string_view Describe(NextStep step);
// "" for a backend that the strategy chose without regard to the call.
absl::string_view Describe(ChosenBy chosen_by);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_TRAIL_CALL_TRAIL_H_

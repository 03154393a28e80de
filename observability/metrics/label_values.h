// The values of the labels that count cases: `outcome`, `where` and `reason`;
// and which labels of all have few values.
//
// The aggregate and OpenTelemetry's sink use them alike.  Pure.
#ifndef MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_VALUES_H_
#define MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_VALUES_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

// The label `outcome`.
enum class RetryOutcome : uint8_t {
  kDifferentBackend,
  kSameBackend,
  kNoBackend,
  kBudgetExhausted,
};

// The label `where`.
enum class WaitedIn : uint8_t { kPick, kBacklog };

absl::string_view NameOf(RetryOutcome outcome);
absl::string_view NameOf(WaitedIn where);
// The label `reason`; "" for kNone.
absl::string_view NameOf(Ejection ejection);

// Whether the label has a few values, which the library chooses.  It keeps them
// where the names of targets, methods, backends and the like do not fit.
bool HasFewValues(absl::string_view label);

// Where the attempt went, if it is a retry.
inline std::optional<RetryOutcome> RetryOutcomeOf(const AttemptEnded& attempt) {
  if (attempt.retried == Retried::kFirst) return std::nullopt;
  return attempt.retried == Retried::kDifferentBackend
             ? RetryOutcome::kDifferentBackend
             : RetryOutcome::kSameBackend;
}

// Why the call got no further attempt, if it lacked a backend or budget.
inline std::optional<RetryOutcome> RetryOutcomeOf(const CallEnded& call) {
  if (call.last_step == NextStep::kNoOtherBackend) {
    return RetryOutcome::kNoBackend;
  }
  if (call.last_step == NextStep::kBudgetEmpty) {
    return RetryOutcome::kBudgetExhausted;
  }
  return std::nullopt;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_METRICS_LABEL_VALUES_H_

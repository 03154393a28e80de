#include "multi_backend/observability/metrics/label_values.h"

namespace multi_backend {

absl::string_view NameOf(RetryOutcome outcome) {
  switch (outcome) {
    case RetryOutcome::kDifferentBackend:
      return "different_backend";
    case RetryOutcome::kSameBackend:
      return "same_backend";
    case RetryOutcome::kNoBackend:
      return "no_backend";
    case RetryOutcome::kBudgetExhausted:
      return "budget_exhausted";
  }
  return "";
}

absl::string_view NameOf(WaitedIn where) {
  switch (where) {
    case WaitedIn::kPick:
      return "pick";
    case WaitedIn::kBacklog:
      return "backlog";
  }
  return "";
}

absl::string_view NameOf(Ejection ejection) {
  switch (ejection) {
    case Ejection::kNone:
      return "";
    case Ejection::kFailedCalls:
      return "failed_calls";
    case Ejection::kFailureRate:
      return "failure_rate";
  }
  return "";
}

bool HasFewValues(absl::string_view label) {
  for (const absl::string_view one :
       {"status", "outcome", "where", "reason", "to", "state", "result"}) {
    if (label == one) return true;
  }
  return false;
}

}  // namespace multi_backend

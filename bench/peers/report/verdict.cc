#include "multi_backend/bench/peers/report/verdict.h"

#include "absl/strings/str_format.h"

namespace multi_backend {
namespace {

Judgement Passed(bool passed) {
  return {passed ? Verdict::kReached : Verdict::kMissed, passed};
}

}  // namespace

std::string Goal::ToString() const {
  switch (kind) {
    case Kind::kNone:
      return "-";
    case Kind::kCostAtMost:
    case Kind::kTimeAtMost:
      return absl::StrFormat("<= %gx", bound);
    case Kind::kRateAtLeast:
      return absl::StrFormat(">= %gx", bound);
    case Kind::kRateNotBehind:
      return "not behind";
    case Kind::kAtMost:
      return absl::StrFormat("<= %g", bound);
    case Kind::kAtLeast:
      return absl::StrFormat(">= %g", bound);
  }
  return "";
}

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kShown:
      return "-";
    case Verdict::kReached:
      return "reached";
    case Verdict::kMissed:
      return "MISSED";
    case Verdict::kNoDifference:
      return "no difference seen";
    case Verdict::kTooFewTurns:
      return "too few turns";
  }
  return "";
}

Judgement Judge(const Goal& goal, const RatioEstimate& ours,
                const absl::optional<Interval>& aa) {
  switch (goal.kind) {
    case Goal::Kind::kNone:
      return {};
    case Goal::Kind::kCostAtMost:
    case Goal::Kind::kAtMost:
      return Passed(ours.median <= goal.bound);
    case Goal::Kind::kAtLeast:
      return Passed(ours.median >= goal.bound);
    case Goal::Kind::kTimeAtMost:
    case Goal::Kind::kRateAtLeast:
    case Goal::Kind::kRateNotBehind:
      break;
  }
  if (!ours.interval.has_value() || !aa.has_value()) {
    return {Verdict::kTooFewTurns, true};
  }
  const bool noise = ours.interval->Overlaps(*aa);
  if (goal.kind == Goal::Kind::kRateNotBehind) {
    if (noise) return {Verdict::kNoDifference, true};
    return Passed(ours.median >= 1);
  }
  const bool less_is_better = goal.kind == Goal::Kind::kTimeAtMost;
  const bool is_gain = less_is_better ? goal.bound < 1 : goal.bound > 1;
  if (noise && is_gain) return {Verdict::kNoDifference, false};
  return Passed(less_is_better ? ours.median <= goal.bound
                               : ours.median >= goal.bound);
}

}  // namespace multi_backend

#include "multi_backend/health/state/tracker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

// After this many probes in DOWN, the backend counts as one that is down for
// long, and is probed less often.  A restart takes a few intervals, and these
// probes suffice to see one.
constexpr int kPatientProbes = 3;
// The shortest delay after an undecided probe.  An earlier probe would observe
// the same moment as the one before.
constexpr absl::Duration kMinHurriedDelay = absl::Milliseconds(100);
// The largest random part of a wait, as a fraction of it.  It must be less than
// 1, so that each doubled wait is longer than the previous one.
constexpr double kJitter = 0.1;

// Cuts `text` to kMaxReasonBytes, but not within a UTF-8 character.
absl::string_view Cut(absl::string_view text) {
  if (text.size() <= HealthTracker::kMaxReasonBytes) return text;
  size_t end = HealthTracker::kMaxReasonBytes;
  const auto continues = [&](size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  // A UTF-8 character has at most four bytes.  More continuation bytes are not
  // UTF-8, and such a text may be cut anywhere.
  const size_t earliest = end - 3;
  while (end > earliest && continues(end)) --end;
  return text.substr(0, end);
}

std::string WithDetail(std::string what, absl::string_view detail) {
  if (!detail.empty()) absl::StrAppend(&what, ": ", Cut(detail));
  return what;
}

// "a call failed", "3 calls in a row failed".
std::string InARow(int count, absl::string_view noun, absl::string_view verb) {
  if (count == 1) return absl::StrCat("a ", noun, " ", verb);
  return absl::StrCat(count, " ", noun, "s in a row ", verb);
}

std::minstd_rand Seeded(uint64_t seed) {
  std::seed_seq words{static_cast<uint32_t>(seed),
                      static_cast<uint32_t>(seed >> 32)};
  return std::minstd_rand(words);
}

}  // namespace

HealthTracker::HealthTracker(std::shared_ptr<const HealthConfig> config,
                             uint64_t seed)
    : config_(std::move(config)), random_(Seeded(seed)) {}

void HealthTracker::SetConfig(std::shared_ptr<const HealthConfig> config) {
  config_ = std::move(config);
}

bool HealthTracker::down() const {
  return state_ == BackendState::kDown || state_ == BackendState::kDownRetry;
}

bool HealthTracker::caused_by_calls() const {
  return cause_ == HealthCause::kCalls || cause_ == HealthCause::kFailureRate;
}

bool HealthTracker::cause_is_unwatched() const {
  if (cause_ == HealthCause::kProbe) return !config_->active;
  return caused_by_calls() && !config_->passive;
}

// --- Calls ------------------------------------------------------------------

absl::optional<HealthChange> HealthTracker::OnCallEnded(
    AttemptOutcome outcome, absl::string_view why, bool was_trial,
    absl::Time now, absl::FunctionRef<bool()> may_eject) {
  const bool decides = was_trial && trial_ == Trial::kRunning;
  if (was_trial) trial_ = Trial::kNone;
  if (!config_->passive || outcome == AttemptOutcome::kAbandoned) {
    return absl::nullopt;
  }
  if (!down()) return OnCallWhileUp(outcome, why, now, may_eject);
  if (decides && trials_by_calls()) return OnTrialEnded(outcome, why, now);
  return absl::nullopt;
}

absl::optional<HealthChange> HealthTracker::OnCallWhileUp(
    AttemptOutcome outcome, absl::string_view why, absl::Time now,
    absl::FunctionRef<bool()> may_eject) {
  if (outcome == AttemptOutcome::kAnswered) {
    calls_failed_ = 0;
    if (state_ == BackendState::kAlive) return absl::nullopt;
    return GoUp(BackendState::kAlive, "a call was answered", now);
  }
  if (outcome != AttemptOutcome::kOverloaded) {
    ++calls_failed_;
    if (calls_failed_ >= config_->passive->unhealthy_after) {
      if (may_eject()) {
        return GoDown(HealthCause::kCalls,
                      WithDetail(InARow(calls_failed_, "call", "failed"), why),
                      now);
      }
      calls_failed_ = 0;
    }
    if (outcome == AttemptOutcome::kFailed) return absl::nullopt;
  }
  if (state_ == BackendState::kOverloaded) {
    due_ = now + config_->passive->overloaded_for;
    return absl::nullopt;
  }
  return GoUp(BackendState::kOverloaded, WithDetail("overloaded", why), now);
}

absl::optional<HealthChange> HealthTracker::OnTrialEnded(AttemptOutcome outcome,
                                                         absl::string_view why,
                                                         absl::Time now) {
  if (outcome == AttemptOutcome::kFailed ||
      outcome == AttemptOutcome::kTimedOut) {
    return GoDown(cause_, WithDetail("a trial call failed", why), now);
  }
  if (++trials_succeeded_ < config_->passive->healthy_after) {
    return absl::nullopt;
  }
  // The backend is reachable again but says that it has too much to do, so it
  // becomes OVERLOADED, not ALIVE.
  if (outcome == AttemptOutcome::kOverloaded) {
    return GoUp(BackendState::kOverloaded, WithDetail("overloaded", why), now);
  }
  return GoUp(BackendState::kAlive,
              InARow(trials_succeeded_, "trial call", "succeeded"), now);
}

absl::optional<HealthChange> HealthTracker::OnEjected(absl::string_view why,
                                                      absl::Time now) {
  if (!config_->passive || down()) return absl::nullopt;
  return GoDown(HealthCause::kFailureRate,
                WithDetail("too many calls failed", why), now);
}

absl::optional<HealthChange> HealthTracker::EndEjection(absl::string_view why,
                                                        absl::Time now) {
  if (!ejected()) return absl::nullopt;
  return GoUp(BackendState::kAlive, std::string(why), now);
}

bool HealthTracker::TryBeginTrial() {
  if (state_ != BackendState::kDownRetry || !trials_by_calls() ||
      trial_ != Trial::kNone) {
    return false;
  }
  trial_ = Trial::kRunning;
  return true;
}

bool HealthTracker::trials_by_calls() const {
  return caused_by_calls() && down() && config_->passive && !config_->active;
}

// --- Probes -----------------------------------------------------------------

absl::optional<HealthChange> HealthTracker::OnProbe(bool healthy,
                                                    absl::string_view detail,
                                                    absl::Time now) {
  if (!config_->active) return absl::nullopt;
  if (down()) {
    probes_while_down_ = std::min(probes_while_down_ + 1, kPatientProbes);
  }
  if (cause_ == HealthCause::kManual) return absl::nullopt;
  if (healthy) return OnProbeSucceeded(now);
  ++probes_failed_;
  // Probes have already made the backend DOWN, so another failed probe changes
  // nothing.
  const bool decided =
      state_ == BackendState::kDown && cause_ == HealthCause::kProbe;
  if (!decided && probes_failed_ >= config_->active->unhealthy_after) {
    return GoDown(HealthCause::kProbe,
                  WithDetail(InARow(probes_failed_, "probe", "failed"), detail),
                  now);
  }
  if (state_ != BackendState::kDownRetry || cause_is_unwatched()) {
    return absl::nullopt;
  }
  return GoDown(cause_, WithDetail("a probe failed", detail), now);
}

absl::optional<HealthChange> HealthTracker::OnProbeSucceeded(absl::Time now) {
  probes_failed_ = 0;
  const bool ends_down =
      state_ == BackendState::kDown && cause_ == HealthCause::kProbe;
  if (state_ != BackendState::kDownRetry && !ends_down) return absl::nullopt;
  ++trials_succeeded_;
  if (trials_succeeded_ >= config_->active->healthy_after) {
    return GoUp(BackendState::kAlive,
                InARow(trials_succeeded_, "probe", "succeeded"), now);
  }
  if (!ends_down) return absl::nullopt;
  return ChangeTo(BackendState::kDownRetry, cause_, "a probe succeeded", now);
}

absl::Duration HealthTracker::probe_delay() const {
  if (!config_->active) return absl::InfiniteDuration();
  const absl::Duration interval = config_->active->interval;
  if (state_ == BackendState::kDown) {
    return probes_while_down_ == kPatientProbes ? 2 * interval : interval;
  }
  const bool undecided =
      state_ == BackendState::kDownRetry || probes_failed_ > 0;
  if (!undecided) return interval;
  return std::min(interval, std::max(interval / 2, kMinHurriedDelay));
}

// --- Marks and time ---------------------------------------------------------

absl::optional<HealthChange> HealthTracker::MarkUnhealthy(
    absl::string_view reason, absl::Time now) {
  if (cause_ == HealthCause::kManual) return absl::nullopt;
  return GoDown(HealthCause::kManual, WithDetail("marked unhealthy", reason),
                now);
}

absl::optional<HealthChange> HealthTracker::MarkHealthy(
    absl::string_view reason, absl::Time now) {
  calls_failed_ = 0;
  probes_failed_ = 0;
  backoff_ = absl::ZeroDuration();
  if (state_ == BackendState::kAlive) return absl::nullopt;
  return GoUp(BackendState::kAlive, WithDetail("marked healthy", reason), now);
}

absl::Time HealthTracker::next_change() const {
  return cause_is_unwatched() ? absl::InfinitePast() : due_;
}

absl::optional<HealthChange> HealthTracker::OnTime(absl::Time now) {
  if (now < next_change()) return absl::nullopt;
  if (cause_is_unwatched()) {
    return GoUp(BackendState::kAlive,
                cause_ == HealthCause::kProbe ? "it is probed no more"
                                              : "its calls count no more",
                now);
  }
  if (state_ == BackendState::kOverloaded) {
    return GoUp(BackendState::kAlive, "overloaded no more", now);
  }
  return ChangeTo(
      BackendState::kDownRetry, cause_,
      absl::StrCat("was down for ", absl::FormatDuration(absl::Trunc(
                                        wait_, absl::Milliseconds(1)))),
      now);
}

// --- Changes ----------------------------------------------------------------

HealthChange HealthTracker::ChangeTo(BackendState to, HealthCause cause,
                                     std::string reason, absl::Time now) {
  HealthChange change{state_, to, now, std::move(reason)};
  if (to != state_) since_ = now;
  if (trial_ == Trial::kRunning) trial_ = Trial::kOutdated;
  state_ = to;
  cause_ = cause;
  reason_ = change.reason;
  due_ = absl::InfiniteFuture();
  return change;
}

HealthChange HealthTracker::GoUp(BackendState to, std::string reason,
                                 absl::Time now) {
  if (down()) {
    up_since_ = now;
    calls_failed_ = 0;
    probes_failed_ = 0;
  }
  const bool overloaded = to == BackendState::kOverloaded;
  const HealthChange change =
      ChangeTo(to, overloaded ? HealthCause::kCalls : HealthCause::kNone,
               std::move(reason), now);
  if (overloaded) due_ = now + config_->passive->overloaded_for;
  return change;
}

HealthChange HealthTracker::GoDown(HealthCause cause, std::string reason,
                                   absl::Time now) {
  if (!down()) {
    probes_while_down_ = 0;
    if (!config_->passive ||
        now - up_since_ >= config_->passive->max_down_retry_after) {
      backoff_ = absl::ZeroDuration();
    }
  }
  trials_succeeded_ = 0;
  const HealthChange change =
      ChangeTo(BackendState::kDown, cause, std::move(reason), now);
  if (caused_by_calls()) {
    wait_ = NextWait();
    due_ = now + wait_;
  }
  return change;
}

absl::Duration HealthTracker::NextWait() {
  const absl::Duration longest = config_->passive->max_down_retry_after;
  backoff_ = std::min(
      longest, std::max(config_->passive->down_retry_after, 2 * backoff_));
  const double jitter =
      kJitter * std::uniform_real_distribution<double>(0, 1)(random_);
  return std::min(longest, backoff_ * (1 + jitter));
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/backends/control.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {

absl::string_view BackendControl::DrainName(Drain drain) {
  switch (drain) {
    case Drain::kNone:
      return "serving";
    case Drain::kDraining:
      return "draining";
    case Drain::kDrained:
      return "drained";
  }
  return "";
}

absl::optional<BackendControl::Change> BackendControl::BeginDrain(
    absl::Duration timeout, absl::string_view reason, absl::Time now) {
  MutexLock lock(&mutex_);
  if (drain() == Drain::kDrained) return absl::nullopt;
  const Drain before = drain_.exchange(Drain::kDraining);
  // A second drain does not bring back the keys that the first one has moved.
  progress_.reason = std::string(reason);
  progress_.deadline = now + timeout;
  progress_.move_keys_at = now + timeout * kKeysStayShare;
  WriteFlagsLocked();
  return Change{std::string(DrainName(before)),
                std::string(DrainName(Drain::kDraining)), progress_.reason};
}

absl::optional<BackendControl::Change> BackendControl::EndDrain(
    absl::string_view reason) {
  MutexLock lock(&mutex_);
  const Drain before = drain();
  if (before == Drain::kNone) return absl::nullopt;
  drain_.store(Drain::kNone);
  progress_ = Progress();
  WriteFlagsLocked();
  return Change{std::string(DrainName(before)),
                std::string(DrainName(Drain::kNone)), std::string(reason)};
}

absl::optional<BackendControl::Change> BackendControl::SetWeight(
    absl::optional<uint32_t> weight, absl::string_view reason) {
  const auto name = [](uint32_t value) {
    return value == 0 ? "listed" : absl::StrCat(value);
  };
  const uint32_t after = weight.value_or(0);
  const uint32_t before = weight_.exchange(after);
  if (before == after) return absl::nullopt;
  return Change{name(before), name(after), std::string(reason)};
}

absl::optional<BackendControl::Change> BackendControl::OnTime(absl::Time now) {
  MutexLock lock(&mutex_);
  if (drain() != Drain::kDraining) return absl::nullopt;
  // Reading by a read-modify-write sees every call that has ended or begun, as
  // does the call that ends after it.
  const int64_t in_flight =
      load_->in_flight.fetch_add(0, std::memory_order_acq_rel);
  const bool late = now >= progress_.deadline;
  progress_.keys_moved |= now >= progress_.move_keys_at || in_flight == 0;
  if (late || in_flight == 0) drain_.store(Drain::kDrained);
  WriteFlagsLocked();
  if (drain() == Drain::kDraining) return absl::nullopt;
  return Change{
      std::string(DrainName(Drain::kDraining)),
      std::string(DrainName(Drain::kDrained)),
      absl::StrCat(in_flight == 0 ? "" : "timeout: ", in_flight, " in flight")};
}

std::string BackendControl::DrainText() const {
  MutexLock lock(&mutex_);
  if (!drains()) return "";
  return absl::StrCat(DrainName(drain()), progress_.reason.empty() ? "" : ": ",
                      progress_.reason);
}

void BackendControl::TakeOver(const BackendControl& other) {
  weight_.store(other.weight_.load());
  Drain drain;
  Progress progress;
  {
    MutexLock lock(&other.mutex_);
    drain = other.drain();
    progress = other.progress_;
  }
  MutexLock lock(&mutex_);
  drain_.store(drain);
  progress_ = std::move(progress);
  WriteFlagsLocked();
}

void BackendControl::WriteFlagsLocked() {
  const uint32_t flags = !drains()              ? 0
                         : progress_.keys_moved ? kDraining | kKeysMoved
                                                : kDraining;
  load_->unusable_reasons.fetch_or(flags, std::memory_order_acq_rel);
  load_->unusable_reasons.fetch_and(~(kDraining | kKeysMoved) | flags,
                                    std::memory_order_acq_rel);
}

}  // namespace multi_backend

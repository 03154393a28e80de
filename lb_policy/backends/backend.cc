#include "multi_backend/lb_policy/backends/backend.h"

#include <xxhash.h>

#include "absl/container/inlined_vector.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {
namespace {

uint32_t NextId() {
  static std::atomic<uint32_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

// STICKY derives the owner of a key from this hash, so it must not differ
// between processes or releases.
uint64_t IdentityHash(absl::string_view address, absl::string_view name) {
  absl::InlinedVector<char, 128> identity(address.begin(), address.end());
  identity.push_back('\n');
  identity.insert(identity.end(), name.begin(), name.end());
  return XXH64(identity.data(), identity.size(), /*seed=*/0);
}

}  // namespace

Backend::Backend(std::string address, std::string name,
                 std::shared_ptr<PoolEvents> events)
    : health(this, &load, events),
      control(&load),
      hash_(IdentityHash(address, name)),
      id_(NextId()),
      events_(std::move(events)),
      address_(std::move(address)),
      name_(name == address_ ? std::string() : std::move(name)) {}

Backend::~Backend() {
  if (heir_ != nullptr) heir_->Unref();
}

void Backend::HandOverCalls(Backend* heir) {
  heir->Ref();
  heir_ = heir;
  // An EndCall() that reads a value near kHandedOver sees heir_, too.
  const int64_t running =
      load.in_flight.exchange(kHandedOver, std::memory_order_acq_rel);
  // `calls` less `in_flight` is the number of calls that have ended, so both
  // grow.
  heir->calls.fetch_add(static_cast<uint64_t>(running),
                        std::memory_order_relaxed);
  heir->load.in_flight.fetch_add(running, std::memory_order_relaxed);
  heir->UpdateAtLimitFlag();
  // Without a call of the watches, since the pool's lock is held.
  (void)heir->UpdateDrain();
}

void Backend::EndHandedOverCall() { heir_->EndCall(); }

void Backend::SetLimit(int limit) {
  max_calls_.store(limit, std::memory_order_relaxed);
  WatchCalls();
  UpdateAtLimitFlag();
}

void Backend::WatchCalls() {
  MutexLock lock(&limit_mutex_);
  limit_.store(control.drain() == BackendControl::Drain::kDraining
                   ? 1
                   : max_calls_.load(std::memory_order_relaxed),
               std::memory_order_relaxed);
}

void Backend::TakeOverControl(const Backend& other) {
  control.TakeOver(other.control);
  WatchCalls();
}

void Backend::Record(PoolEvent::Kind kind, const BackendControl::Change& change,
                     absl::string_view asked_by) {
  PoolEvent event;
  event.time = events_->time.Now();
  event.kind = kind;
  event.who = address_;
  event.name = name();
  event.from = change.from;
  event.to = change.to;
  event.reason = change.reason;
  event.asked_by = std::string(asked_by);
  events_->Add(std::move(event));
}

bool Backend::UpdateDrain() {
  // Before the look at the calls in flight, so that no end of a call is missed.
  WatchCalls();
  if (control.drain() != BackendControl::Drain::kDraining) return false;
  const auto drained = control.OnTime(events_->time.Now());
  if (!drained.has_value()) return false;
  WatchCalls();
  Record(PoolEvent::Kind::kDrain, *drained, "");
  return true;
}

void Backend::OnCallEnded() {
  UpdateAtLimitFlag();
  if (control.drain() == BackendControl::Drain::kDraining &&
      load.in_flight.load(std::memory_order_relaxed) == 0 && UpdateDrain()) {
    events_->Notify();
  }
}

void Backend::Forget(absl::string_view why) {
  health.Forget(why);
  const auto undrained = control.EndDrain(why);
  const auto weight = control.SetWeight(absl::nullopt, why);
  if (why.empty()) return;
  if (undrained.has_value()) Record(PoolEvent::Kind::kDrain, *undrained, "");
  if (weight.has_value()) Record(PoolEvent::Kind::kWeight, *weight, "");
}

absl::Duration Backend::OnProbe(bool healthy, absl::string_view detail) {
  probes.Add(healthy, detail);
  if (healthy && health.any_failed()) {
    reconnect_requests.fetch_add(1);
    events_->NotifyReachable();
  }
  return health.OnProbe(healthy, detail);
}

bool Backend::TryBeginWatchedCall() {
  // 0 while a drain without a limit watches the calls.
  const int64_t most = max_calls_.load(std::memory_order_relaxed);
  int64_t running = load.in_flight.load(std::memory_order_relaxed);
  do {
    if (most != 0 && running >= most) {
      // The call that took the last place may not have set the flag yet.
      UpdateAtLimitFlag();
      return false;
    }
  } while (!load.in_flight.compare_exchange_weak(running, running + 1,
                                                 std::memory_order_relaxed));
  if (most != 0 && running + 1 >= most) UpdateAtLimitFlag();
  return true;
}

// Calls that begin and end at the same time run this function too.  It loops
// until the flag agrees with the count, so the last run leaves the flag right.
void Backend::UpdateAtLimitFlag() {
  bool freed = false;
  while (true) {
    // Reading by a read-modify-write that adds nothing always sees the newest
    // value.
    const int64_t limit = max_calls_.load();
    const bool full = limit != 0 && load.in_flight.fetch_add(0) >= limit;
    const bool flagged = (load.unusable_reasons.fetch_or(0) & kAtLimit) != 0;
    if (full == flagged) break;
    if (full) {
      load.unusable_reasons.fetch_or(kAtLimit);
    } else {
      load.unusable_reasons.fetch_and(~kAtLimit);
      freed = true;
    }
  }
  if (freed && events_->waiting_channels.load() != 0) {
    events_->NotifyCapacityFreed();
  }
}

}  // namespace multi_backend

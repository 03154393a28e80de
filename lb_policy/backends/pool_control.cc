// The part of BackendPool by which an operator acts on backends.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/proto/config/endpoint_bounds.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

// Longer texts of operators are cut to this many bytes.
constexpr size_t kMaxTextBytes = 200;

// A text of an operator, bounded, and on one line.
std::string Bounded(absl::string_view text) {
  std::string bounded(text.substr(0, kMaxTextBytes));
  for (char& c : bounded) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return bounded;
}

absl::Status CheckAddress(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return absl::OkStatus();
  return Endpoint::Parse(address).status();
}

}  // namespace

// --- Marks -------------------------------------------------------------------

void BackendPool::MarkHealthy(absl::string_view address,
                              absl::string_view reason,
                              absl::string_view asked_by) {
  int changed = 0;
  {
    MutexLock lock(&mutex_);
    ForgetLocked();
    for (Entry* entry : NamedLocked(address)) {
      changed += entry->backend->health.MarkHealthy(reason, Bounded(asked_by));
      entry->marked_by_address = false;
      if (entry->users == 0 && !entry->backend->IsWorthRemembering()) {
        DropLocked(*entry);
      }
    }
  }
  for (; changed > 0; --changed) events_->Notify();
}

std::vector<BackendPool::Entry*> BackendPool::NamedOrNewLocked(
    absl::string_view address) {
  std::vector<Entry*> named = NamedLocked(address);
  if (named.empty() && !address.empty() &&
      options_.remember_absent > absl::ZeroDuration()) {
    Entry& entry = AddLocked(address, address);
    (void)entry.backend->health.Suspend();  // It has no timers yet.
    BeginAbsenceLocked(entry);
    named.push_back(&entry);
  }
  return named;
}

void BackendPool::RenewAbsenceLocked(const std::vector<Entry*>& entries) {
  for (Entry* entry : entries) {
    if (entry->users > 0) continue;
    EndAbsenceLocked(*entry);
    BeginAbsenceLocked(*entry);
  }
}

void BackendPool::MarkUnhealthy(absl::string_view address,
                                absl::string_view reason,
                                absl::string_view asked_by) {
  int changed = 0;
  {
    MutexLock lock(&mutex_);
    ForgetLocked();
    const std::vector<Entry*> named = NamedOrNewLocked(address);
    for (Entry* entry : named) {
      changed +=
          entry->backend->health.MarkUnhealthy(reason, Bounded(asked_by));
      entry->marked_by_address |= entry->backend->address() == address;
    }
    RenewAbsenceLocked(named);
    ForgetLocked();
  }
  for (; changed > 0; --changed) events_->Notify();
}

// --- Drains, weights, reconnects ---------------------------------------------

absl::Status BackendPool::Control(absl::string_view address, bool remember,
                                  PoolEvent::Kind kind,
                                  absl::string_view asked_by, Decide decide) {
  const absl::Status well_formed = CheckAddress(address);
  if (!well_formed.ok()) return well_formed;
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    ForgetLocked();
    const std::vector<Entry*> named =
        remember ? NamedOrNewLocked(address) : NamedLocked(address);
    if (named.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "backend \"", absl::CHexEscape(Bounded(address)), "\" is not known",
          remember ? ", and the pool remembers no absent backends "
                     "(BackendPoolOptions::remember_absent)"
                   : ": use the address or the name that GetAllBackends() "
                     "shows"));
    }
    for (Entry* entry : named) {
      Backend& backend = *entry->backend;
      const auto change = decide(backend.control);
      if (change.has_value()) backend.Record(kind, *change, Bounded(asked_by));
      if (change.has_value() && kind == PoolEvent::Kind::kDrain &&
          !backend.control.drains()) {
        backend.health.BeginSlowStart();
      }
      const bool drained = backend.UpdateDrain();
      notify = notify || drained || change.has_value();
      entry->controlled_by_address =
          backend.control.IsDecided() &&
          (entry->controlled_by_address ||
           (remember && backend.address() == address));
    }
    if (remember) RenewAbsenceLocked(named);
    for (Entry* entry : named) {
      if (entry->users == 0 && !entry->backend->IsWorthRemembering()) {
        DropLocked(*entry);
      }
    }
    ForgetLocked();
  }
  if (notify) events_->Notify();
  return absl::OkStatus();
}

absl::Status BackendPool::Drain(absl::string_view address,
                                const DrainOptions& options) {
  if (options.timeout < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Drain: timeout ", absl::FormatDuration(options.timeout),
                     ": must not be negative"));
  }
  const std::string reason = Bounded(options.reason);
  const absl::Time now = events_->time.Now();
  const absl::Status status =
      Control(address, /*remember=*/true, PoolEvent::Kind::kDrain,
              options.asked_by, [&](BackendControl& control) {
                return control.BeginDrain(options.timeout, reason, now);
              });
  if (status.ok() && options.timeout < absl::InfiniteDuration()) {
    UpdateDrainsAfter(options.timeout * BackendControl::kKeysStayShare);
    UpdateDrainsAfter(options.timeout);
  }
  return status;
}

absl::Status BackendPool::Undrain(absl::string_view address,
                                  absl::string_view asked_by) {
  return Control(address, /*remember=*/false, PoolEvent::Kind::kDrain, asked_by,
                 [](BackendControl& control) { return control.EndDrain(""); });
}

absl::Status BackendPool::SetWeight(absl::string_view address, uint32_t weight,
                                    absl::string_view asked_by) {
  if (weight == 0) {
    return absl::InvalidArgumentError(
        "SetWeight: weight 0: must be 1..1000000; use Drain() to take a "
        "backend out of use");
  }
  if (weight > kMaxEndpointWeight) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SetWeight: weight ", weight, ": must be 1..", kMaxEndpointWeight));
  }
  return Control(address, /*remember=*/true, PoolEvent::Kind::kWeight, asked_by,
                 [weight](BackendControl& control) {
                   return control.SetWeight(weight, "");
                 });
}

absl::Status BackendPool::ResetWeight(absl::string_view address,
                                      absl::string_view asked_by) {
  return Control(address, /*remember=*/false, PoolEvent::Kind::kWeight,
                 asked_by, [](BackendControl& control) {
                   return control.SetWeight(absl::nullopt, "");
                 });
}

absl::Status BackendPool::ResetBackoff(absl::string_view address,
                                       absl::string_view asked_by) {
  const absl::Status well_formed = CheckAddress(address);
  if (!well_formed.ok()) return well_formed;
  int listed = 0;
  {
    MutexLock lock(&mutex_);
    for (Entry* entry : NamedLocked(address)) {
      if (entry->users == 0) continue;
      ++listed;
      entry->backend->reconnect_requests.fetch_add(1);
      entry->backend->Record(PoolEvent::Kind::kReconnect,
                             {"waiting", "connecting", ""}, Bounded(asked_by));
    }
  }
  if (listed == 0) {
    return absl::NotFoundError(
        absl::StrCat("backend \"", absl::CHexEscape(Bounded(address)),
                     "\": no channel lists it, so none connects to it"));
  }
  events_->NotifyReachable();
  events_->Notify();
  return absl::OkStatus();
}

void BackendPool::UpdateDrainsAfter(absl::Duration delay) {
  std::shared_ptr<Timers> timers;
  {
    MutexLock lock(&mutex_);
    if (drain_timers_ == nullptr) drain_timers_ = events_->time.timers();
    timers = drain_timers_;
  }
  timers->RunAfter(delay, [weak = weak_from_this()]() {
    const std::shared_ptr<BackendPool> pool = weak.lock();
    if (pool != nullptr) pool->UpdateDrains();
  });
}

void BackendPool::UpdateDrains() {
  bool notify = false;
  {
    MutexLock lock(&mutex_);
    for (const auto& item : entries_) {
      notify |= item.second->backend->UpdateDrain();
    }
  }
  if (notify) events_->Notify();
}

}  // namespace multi_backend

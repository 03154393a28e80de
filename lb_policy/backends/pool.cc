#include "multi_backend/lb_policy/backends/pool.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {
namespace {

// Called at most once per prober, to avoid flooding the log.
void ReportMissingService(const Backend& backend, const ProbeResult& result,
                          PoolEvents& events) {
  PoolEvent event;
  event.time = events.time.Now();
  event.who = backend.address();
  event.name = backend.name();
  event.from = std::string(StateName(backend.health.view().state));
  event.to = event.from;
  event.reason =
      absl::StrCat("the server has no health service, which counts as ",
                   result.healthy ? "healthy" : "unhealthy");
  events.Add(std::move(event));
  events.Notify();
}

std::unique_ptr<Prober> MakeProber(const ActiveHealthConfig& config,
                                   std::unique_ptr<Probe> probe,
                                   BackendRef backend,
                                   std::shared_ptr<PoolEvents> events) {
  ProberOptions options;
  options.interval = config.interval;
  options.timeout = config.timeout;
  options.seed = absl::Uniform<uint64_t>(absl::BitGen());
  std::shared_ptr<Timers> timers = events->time.timers();
  return std::make_unique<Prober>(
      options, std::move(probe), std::move(timers),
      [backend = std::move(backend), events = std::move(events),
       said = false](const ProbeResult& result) mutable {
        if (result.unimplemented && !said) {
          said = true;
          ReportMissingService(*backend, result, *events);
        }
        return backend->OnProbe(result.healthy, result.detail);
      });
}

}  // namespace

std::shared_ptr<BackendPool> BackendPool::Create(BackendPoolOptions options) {
  return Create(PoolTime(), options);
}

std::shared_ptr<BackendPool> BackendPool::Create(PoolTime time,
                                                 BackendPoolOptions options) {
  return absl::WrapUnique(new BackendPool(std::move(time), options));
}

BackendSnapshot BackendPool::Snapshot(const Entry& entry) {
  BackendSnapshot snapshot = SnapshotOf(*entry.backend, entry.endpoint.get());
  snapshot.absent = entry.users == 0;
  snapshot.healthy &= !snapshot.absent;
  return snapshot;
}

std::vector<BackendSnapshot> BackendPool::GetAllBackends() const {
  std::vector<BackendSnapshot> all;
  MutexLock lock(&mutex_);
  all.reserve(entries_.size());
  for (const auto& item : entries_) {
    const Entry& entry = *item.second;
    if (entry.users > 0 || IsShownLocked(entry)) all.push_back(Snapshot(entry));
  }
  return all;
}

bool BackendPool::IsShownLocked(const Entry& absent) const {
  return absent.absent_since + options_.remember_absent > events_->time.Now() &&
         absent.backend->IsDecided();
}

std::vector<BackendSnapshot> BackendPool::GetAbsentBackends() const {
  std::vector<BackendSnapshot> absent;
  MutexLock lock(&mutex_);
  for (const Entry* entry : absent_) {
    if (IsShownLocked(*entry)) absent.push_back(Snapshot(*entry));
  }
  return absent;
}

std::vector<BackendSnapshot> BackendPool::GetHealthyBackends() const {
  std::vector<BackendSnapshot> healthy;
  MutexLock lock(&mutex_);
  for (const auto& item : entries_) {
    BackendSnapshot snapshot = Snapshot(*item.second);
    if (snapshot.healthy) healthy.push_back(std::move(snapshot));
  }
  return healthy;
}

std::vector<BackendPool::Entry*> BackendPool::NamedLocked(
    absl::string_view address) {
  std::vector<Entry*> named;
  for (const auto& item : entries_) {
    if (item.first.first == address || item.first.second == address) {
      named.push_back(item.second.get());
    }
  }
  return named;
}

// --- Leases ------------------------------------------------------------------

std::unique_ptr<BackendPool::Lease> BackendPool::Acquire(
    absl::string_view address, absl::string_view name, const Lease* renamed) {
  MutexLock lock(&mutex_);
  ForgetLocked();
  auto found = entries_.find(Key(address, name));
  Entry* const former = renamed == nullptr ? nullptr : renamed->entry_;
  Entry* entry = nullptr;
  if (found == entries_.end()) {
    entry = &AddLocked(address, name);
    InheritLocked(*entry, former);
  } else {
    entry = found->second.get();
    entry->successor = BackendRef();
    // The calls that still run under the other name count here from its end on,
    // unless that name is remembered with what has been decided about it.
    if (former != nullptr && former != entry && !former->backend->IsDecided()) {
      former->successor = entry->backend;
    }
    if (entry->users == 0) {
      EndAbsenceLocked(*entry);
      entry->backend->health.Resume();
    }
  }
  ++entry->users;
  return absl::WrapUnique(new Lease(shared_from_this(), entry));
}

BackendPool::Entry& BackendPool::AddLocked(absl::string_view address,
                                           absl::string_view name) {
  auto entry = std::make_unique<Entry>();
  entry->backend = BackendRef::Adopt(
      new Backend(std::string(address), std::string(name), events_));
  const Key key(entry->backend->address(), entry->backend->name());
  return *entries_.emplace(key, std::move(entry)).first->second;
}

void BackendPool::InheritLocked(Entry& added, Entry* renamed) {
  const Backend& backend = *added.backend;
  std::vector<Entry*> sources;
  std::vector<Entry*> controlled;
  std::vector<Entry*> absent;
  if (renamed != nullptr) {
    renamed->successor = added.backend;
    sources.push_back(renamed);
    controlled.push_back(renamed);
  }
  for (auto it = entries_.lower_bound(Key(backend.address(), ""));
       it != entries_.end() && it->first.first == backend.address(); ++it) {
    Entry& same_address = *it->second;
    if (&same_address == &added) continue;
    if (same_address.users == 0) absent.push_back(&same_address);
    if (same_address.users == 0 || same_address.marked_by_address) {
      sources.push_back(&same_address);
    }
    if (same_address.users == 0 || same_address.controlled_by_address) {
      controlled.push_back(&same_address);
    }
  }
  // A mark of a name that no channel listed then.
  const auto by_name = entries_.find(Key(backend.name(), backend.name()));
  if (by_name != entries_.end() && by_name->second->users == 0 &&
      by_name->second.get() != &added) {
    sources.push_back(by_name->second.get());
    controlled.push_back(by_name->second.get());
  }
  InheritHealth(sources, added);
  InheritControl(controlled, added);
  for (Entry* old : absent) {
    old->backend->HandOverCalls(added.backend.get());
    DropLocked(*old);
  }
  // Without calls, a drain that was taken over is done.  The calls of a renamed
  // backend come when its old name ends.
  if (renamed == nullptr) (void)added.backend->UpdateDrain();
}

void BackendPool::InheritHealth(const std::vector<Entry*>& sources,
                                Entry& added) {
  if (sources.empty()) return;
  // A mark outranks what calls and probes say.
  const auto marked = std::find_if(
      sources.begin(), sources.end(),
      [](const Entry* source) { return source->backend->health.IsMarked(); });
  const Entry& source = marked != sources.end() ? **marked : *sources.front();
  added.backend->health.TakeOver(source.backend->health);
  added.marked_by_address =
      source.marked_by_address &&
      source.backend->address() == added.backend->address();
}

void BackendPool::InheritControl(const std::vector<Entry*>& sources,
                                 Entry& added) {
  const auto decided = std::find_if(
      sources.begin(), sources.end(),
      [](const Entry* source) { return source->backend->control.IsDecided(); });
  if (decided == sources.end()) return;
  const Entry& source = **decided;
  added.backend->TakeOverControl(*source.backend);
  added.controlled_by_address =
      source.controlled_by_address &&
      source.backend->address() == added.backend->address();
}

void BackendPool::Release(Entry* entry) {
  BackendRef backend;
  // Destroyed unlocked.  Destroying a prober waits for a running probe result,
  // which may call back into the pool.
  std::unique_ptr<Prober> prober;
  std::shared_ptr<Timers> timers;
  MutexLock lock(&mutex_);
  if (--entry->users > 0) return;
  backend = entry->backend;  // Keeps the strings that the key views.
  prober = std::move(entry->prober);
  entry->probed_as = nullptr;
  timers = backend->health.Suspend();
  BeginAbsenceLocked(*entry);
  if (entry->successor) {
    backend->HandOverCalls(entry->successor.get());
    DropLocked(*entry);
  } else if (options_.remember_absent <= absl::ZeroDuration() ||
             !backend->IsWorthRemembering()) {
    DropLocked(*entry);
  }
  ForgetLocked();
}

// --- Absent backends ---------------------------------------------------------

void BackendPool::BeginAbsenceLocked(Entry& entry) {
  entry.absent_since = events_->time.Now();
  entry.absent_position = absent_.insert(absent_.end(), &entry);
}

void BackendPool::EndAbsenceLocked(Entry& entry) {
  absent_.erase(entry.absent_position);
}

void BackendPool::DropLocked(Entry& entry) {
  const BackendRef backend = entry.backend;  // Its strings are in the key.
  EndAbsenceLocked(entry);
  entries_.erase(Key(backend->address(), backend->name()));
}

void BackendPool::ForgetLocked() {
  if (absent_.empty()) return;
  const absl::Time now = events_->time.Now();
  while (!absent_.empty()) {
    Entry& oldest = *absent_.front();
    Backend& backend = *oldest.backend;
    if (absent_.size() > options_.max_absent) {
      backend.Forget(
          std::exchange(said_too_many_, true)
              ? ""
              : absl::StrCat("forgotten: the pool remembers no more than ",
                             options_.max_absent,
                             " absent backends (further ones are forgotten "
                             "without an event)"));
      DropLocked(oldest);
      continue;
    }
    if (oldest.absent_since + options_.remember_absent > now) return;
    backend.Forget(
        absl::StrCat("forgotten: no channel has listed it for ",
                     absl::FormatDuration(options_.remember_absent)));
    // Its calls that still run must be counted when it comes back.
    const bool calls_run = backend.load.in_flight.load() > 0;
    EndAbsenceLocked(oldest);
    BeginAbsenceLocked(oldest);
    if (!calls_run) DropLocked(oldest);
  }
}

BackendPool::Lease::Lease(std::shared_ptr<BackendPool> pool, Entry* entry)
    : pool_(std::move(pool)), entry_(entry), backend_(entry->backend) {}

BackendPool::Lease::~Lease() {
  SetLinkState(LinkState::kConnecting);
  pool_->Release(entry_);
}

std::string BackendPool::Lease::UnusableReason() const {
  const uint32_t flags = backend_->load.unusable_reasons.load();
  if (flags == 0) return "";
  constexpr uint32_t kByHealth =
      kMarkedUnhealthy | kUnhealthy | kOverloaded | kOnTrial;
  if ((flags & kDraining) != 0 && (flags & kByHealth) == 0) {
    return backend_->control.DrainText();
  }
  if (flags == kAtLimit) {
    return absl::StrCat("at its limit: ", backend_->load.in_flight.load(),
                        " calls in flight");
  }
  return backend_->health.view().reason;
}

void BackendPool::Lease::SetEndpoint(std::shared_ptr<const Endpoint> endpoint) {
  MutexLock lock(&pool_->mutex_);
  entry_->endpoint = std::move(endpoint);
}

void BackendPool::Lease::Configure(
    std::shared_ptr<const HealthConfig> health, int max_requests,
    const std::function<std::unique_ptr<Probe>()>& make_probe) {
  backend_->SetLimit(max_requests);
  backend_->health.Configure(health);
  const bool wanted = health->active.has_value();
  {
    MutexLock lock(&pool_->mutex_);
    const bool probed = entry_->prober != nullptr;
    if (probed == wanted &&
        (!wanted || entry_->probed_as->active == health->active)) {
      return;
    }
  }
  std::unique_ptr<Probe> probe = wanted ? make_probe() : nullptr;
  std::unique_ptr<Prober> prober;
  if (probe != nullptr) {
    prober =
        MakeProber(*health->active, std::move(probe), backend_, pool_->events_);
  }
  // The old prober is destroyed after the lock is released: it waits for a
  // running probe result, which may call back into the pool.
  MutexLock lock(&pool_->mutex_);
  std::swap(entry_->prober, prober);
  entry_->probed_as = entry_->prober != nullptr ? std::move(health) : nullptr;
}

void BackendPool::Lease::SetLinkState(LinkState state, absl::string_view why) {
  backend_->health.OnLinkState(link_, state, why);
  link_ = state;
}

}  // namespace multi_backend

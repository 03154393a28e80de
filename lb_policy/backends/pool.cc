#include "multi_backend/lb_policy/backends/pool.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {
namespace {

bool IsHealthy(BackendState state) {
  return state == BackendState::kAlive || state == BackendState::kOverloaded;
}

// Called at most once per prober, to avoid flooding the log.
void ReportMissingService(const Backend& backend, const ProbeResult& result,
                          PoolEvents& events) {
  PoolEvent event;
  event.time = events.time.Now();
  event.who = backend.address();
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

std::shared_ptr<BackendPool> BackendPool::Create() {
  return Create(PoolTime());
}

std::shared_ptr<BackendPool> BackendPool::Create(PoolTime time) {
  return absl::WrapUnique(new BackendPool(std::move(time)));
}

BackendSnapshot BackendPool::Snapshot(const Entry& entry) {
  BackendSnapshot snapshot;
  const Backend& backend = *entry.backend;
  snapshot.address = backend.address();
  snapshot.name = backend.name();
  if (entry.endpoint != nullptr) {
    snapshot.role = entry.endpoint->role;
    snapshot.zone = entry.endpoint->zone;
    snapshot.weight = entry.endpoint->weight;
  }
  BackendHealth::View view = backend.health.view();
  snapshot.state = view.state;
  snapshot.healthy = IsHealthy(view.state);
  snapshot.reason = std::move(view.reason);
  snapshot.since = view.since;
  snapshot.in_flight = backend.load.in_flight.load(std::memory_order_relaxed);
  snapshot.calls = backend.calls.load(std::memory_order_relaxed);
  snapshot.failures = backend.failures.load(std::memory_order_relaxed);
  snapshot.retries_landed =
      backend.retries_landed.load(std::memory_order_relaxed);
  return snapshot;
}

void BackendPool::Sort(std::vector<BackendSnapshot>* backends) {
  std::sort(backends->begin(), backends->end(),
            [](const BackendSnapshot& a, const BackendSnapshot& b) {
              return std::tie(a.address, a.name) < std::tie(b.address, b.name);
            });
}

std::vector<BackendSnapshot> BackendPool::GetAllBackends() const {
  std::vector<BackendSnapshot> all;
  {
    MutexLock lock(&mutex_);
    all.reserve(entries_.size());
    for (const auto& item : entries_) all.push_back(Snapshot(*item.second));
  }
  Sort(&all);
  return all;
}

std::vector<BackendSnapshot> BackendPool::GetHealthyBackends() const {
  std::vector<BackendSnapshot> healthy;
  {
    MutexLock lock(&mutex_);
    for (const auto& item : entries_) {
      BackendSnapshot snapshot = Snapshot(*item.second);
      if (snapshot.healthy) healthy.push_back(std::move(snapshot));
    }
  }
  Sort(&healthy);
  return healthy;
}

std::vector<BackendRef> BackendPool::Named(absl::string_view address) const {
  std::vector<BackendRef> named;
  MutexLock lock(&mutex_);
  for (const auto& item : entries_) {
    if (item.first.first == address || item.first.second == address) {
      named.push_back(item.second->backend);
    }
  }
  return named;
}

void BackendPool::MarkHealthy(absl::string_view address,
                              absl::string_view reason) {
  for (const BackendRef& backend : Named(address)) {
    backend->health.MarkHealthy(reason);
  }
}

void BackendPool::MarkUnhealthy(absl::string_view address,
                                absl::string_view reason) {
  for (const BackendRef& backend : Named(address)) {
    backend->health.MarkUnhealthy(reason);
  }
}

std::unique_ptr<BackendPool::Lease> BackendPool::Acquire(
    absl::string_view address, absl::string_view name) {
  MutexLock lock(&mutex_);
  auto found = entries_.find(Key(address, name));
  if (found == entries_.end()) {
    auto entry = std::make_unique<Entry>();
    entry->backend = BackendRef::Adopt(
        new Backend(std::string(address), std::string(name), events_));
    const Key key(entry->backend->address(), entry->backend->name());
    found = entries_.emplace(key, std::move(entry)).first;
  }
  Entry* const entry = found->second.get();
  ++entry->users;
  return absl::WrapUnique(new Lease(shared_from_this(), entry));
}

void BackendPool::Reserve(size_t backends) {
  MutexLock lock(&mutex_);
  entries_.reserve(backends);
}

void BackendPool::Release(Entry* entry) {
  BackendRef backend;
  std::unique_ptr<Prober> prober;  // Destroyed unlocked, see below.
  {
    MutexLock lock(&mutex_);
    if (--entry->users > 0) return;
    backend = entry->backend;  // Keeps the strings that the key views.
    prober = std::move(entry->prober);
    entries_.erase(Key(backend->address(), backend->name()));
  }
  // Destroying a prober waits for a running probe result, which may call back
  // into the pool.
  prober.reset();
  backend->health.Retire();
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

#include "multi_backend/health/health_checked_endpoint_group.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/health/probes/callback_gate.h"
#include "multi_backend/health/probes/prober.h"
#include "multi_backend/health/state/backend_state.h"
#include "multi_backend/health/state/tracker.h"
#include "multi_backend/health/timers/timer_queue.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

// The first probe of an endpoint begins within this time, whatever the
// interval, because the endpoint cannot be used before its first probe.
constexpr absl::Duration kFirstProbeWithin = absl::Milliseconds(100);

std::shared_ptr<const HealthConfig> OnlyActive(
    const ActiveHealthConfig& active) {
  auto config = std::make_shared<HealthConfig>();
  config->active = active;
  return config;
}

class CheckedGroup final : public DynamicEndpointGroup {
 public:
  CheckedGroup(std::shared_ptr<EndpointGroup> group,
               std::shared_ptr<const ProbeFactory> factory,
               HealthCheckedOptions options)
      : group_(std::move(group)),
        factory_(std::move(factory)),
        options_(std::move(options)),
        tracker_config_(OnlyActive(options_.config)),
        timers_(options_.timers != nullptr ? options_.timers
                                           : TimerQueue::Shared()),
        next_seed_(options_.seed != 0 ? options_.seed
                                      : std::random_device()()) {
    watch_ = group_->Watch([this](const ListPtr& list) { OnList(*list); });
  }

  ~CheckedGroup() override { Stop(); }

  absl::Status last_error() const override;
  std::string Describe() const override { return Name(); }
  bool names_are_configured() const override {
    return group_->names_are_configured();
  }
  void RequestRefresh() override { group_->RequestRefresh(); }

 protected:
  std::string Name() const override;

  void OnClose() override {
    Stop();
    group_->Close();
  }

 private:
  struct Member {
    Endpoint endpoint;
    HealthTracker tracker;
    bool probed = false;
    bool succeeded = false;  // At least once.
    std::string detail = "not probed yet";

    bool healthy() const {
      return succeeded && tracker.state() == BackendState::kAlive;
    }
  };
  using Probers = std::map<std::string, std::unique_ptr<Prober>>;

  void OnList(const EndpointList& list);
  // Makes the members those of `list` and returns the keys of the new ones.
  std::vector<std::string> TakeList(const EndpointList& list);
  void StartProbing(const std::string& key, const Endpoint& endpoint);
  absl::Duration OnResult(const std::string& key, const ProbeResult& result);
  // Publishes the current list.  Must be the last action of each function that
  // calls it, because a callback may destroy this group.
  void Publish() ABSL_LOCKS_EXCLUDED(mu_);
  // Returns the list to publish; null = the published list stays, or nothing is
  // published yet.
  ListPtr Choose();
  bool NothingIsHealthy() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  std::string NameMembers() const;
  void Stop();

  const std::shared_ptr<EndpointGroup> group_;
  const std::shared_ptr<const ProbeFactory> factory_;
  const HealthCheckedOptions options_;
  const std::shared_ptr<const HealthConfig> tracker_config_;
  const std::shared_ptr<Timers> timers_;
  // All results pass through the gate, because a prober may live a little
  // longer than its group.
  const std::shared_ptr<CallbackGate> gate_ = std::make_shared<CallbackGate>();

  // Used by OnList(), whose calls do not overlap, and by Stop(), which runs
  // after them; so they need no lock.
  uint64_t next_seed_;
  Probers probers_;

  // Taken while no other lock is held, or under the lock of Update().
  mutable Mutex mu_;
  bool known_ ABSL_GUARDED_BY(mu_) = false;  // An inner list has come.
  std::vector<std::string> order_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Member> members_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<std::string> published_ ABSL_GUARDED_BY(mu_);

  std::unique_ptr<Subscription> watch_;
};

void CheckedGroup::OnList(const EndpointList& list) {
  std::map<std::string, Endpoint> present;
  for (const Endpoint& endpoint : list) present[endpoint.key()] = endpoint;
  for (const std::string& key : TakeList(list)) {
    StartProbing(key, present[key]);
  }
  Probers gone;
  for (auto it = probers_.begin(); it != probers_.end();) {
    const auto current = it++;
    if (present.count(current->first) > 0) continue;
    gone.insert(probers_.extract(current));
  }
  if (!gone.empty()) {
    // Destroying a prober waits for its result.  The thread that delivers this
    // result may be in a callback that waits for this function to return, in
    // order to end the watch.  Destroying the probers here could deadlock, so a
    // timer does it.
    timers_->RunAfter(
        absl::ZeroDuration(),
        [gone = std::make_shared<Probers>(std::move(gone))] { gone->clear(); });
  }
  Publish();
}

std::vector<std::string> CheckedGroup::TakeList(const EndpointList& list) {
  std::vector<std::string> added;
  std::map<std::string, Member> members;
  std::vector<std::string> order;
  MutexLock lock(&mu_);
  for (const Endpoint& endpoint : list) {
    const std::string key = endpoint.key();
    if (members.count(key) > 0) continue;
    order.push_back(key);
    auto old = members_.extract(key);
    if (!old.empty()) {
      old.mapped().endpoint = endpoint;
      members.insert(std::move(old));
    } else {
      added.push_back(key);
      members.emplace(
          key, Member{endpoint, HealthTracker(tracker_config_, next_seed_)});
    }
  }
  known_ = true;
  order_ = std::move(order);
  members_ = std::move(members);
  return added;
}

void CheckedGroup::StartProbing(const std::string& key,
                                const Endpoint& endpoint) {
  ProberOptions options;
  options.interval = std::min(options_.config.interval, kFirstProbeWithin);
  options.timeout = options_.config.timeout;
  options.seed = next_seed_++;
  probers_[key] = std::make_unique<Prober>(
      options, factory_->Make(endpoint, endpoint.address()), timers_,
      [this, gate = gate_, key](const ProbeResult& result) {
        absl::Duration delay = absl::InfiniteDuration();
        gate->Run([&] { delay = OnResult(key, result); });
        return delay;
      });
}

absl::Duration CheckedGroup::OnResult(const std::string& key,
                                      const ProbeResult& result) {
  absl::Duration delay;
  {
    MutexLock lock(&mu_);
    const auto found = members_.find(key);
    if (found == members_.end()) return absl::InfiniteDuration();
    Member& member = found->second;
    member.probed = true;
    member.succeeded |= result.healthy;
    member.detail = result.detail;
    member.tracker.OnProbe(result.healthy, result.detail, SteadyNow());
    delay = member.tracker.probe_delay();
  }
  Publish();
  return delay;
}

void CheckedGroup::Publish() {
  bool nothing = false;
  Update([&] {
    ListPtr list = Choose();
    MutexLock lock(&mu_);
    nothing = list == nullptr && NothingIsHealthy();
    return list;
  });
  // Nothing was published, so no callback has run and this group still exists.
  // Threads that wait for the first list get the error.
  if (nothing) SetErrorAsNews(last_error());
}

CheckedGroup::ListPtr CheckedGroup::Choose() {
  MutexLock lock(&mu_);
  auto healthy = std::make_shared<EndpointList>();
  auto kept = std::make_shared<EndpointList>();
  for (const std::string& key : order_) {
    const Member& member = members_.find(key)->second;
    if (member.healthy()) healthy->push_back(member.endpoint);
    if (published_.contains(key)) kept->push_back(member.endpoint);
  }
  if (healthy->empty() && !order_.empty()) {
    if (options_.when_all_unhealthy == WhenAllUnhealthy::kKeepLastHealthy) {
      // If none of the last healthy endpoints is in the inner list any more,
      // the published list stays.
      return kept->empty() ? nullptr : kept;
    }
    if (!NothingIsHealthy()) return nullptr;  // Some have not been probed yet.
  }
  if (!known_) return nullptr;
  published_.clear();
  for (const Endpoint& endpoint : *healthy) published_.insert(endpoint.key());
  return healthy;
}

// Whether each endpoint has been probed and none is healthy.
bool CheckedGroup::NothingIsHealthy() const {
  return !members_.empty() &&
         std::all_of(members_.begin(), members_.end(), [](const auto& entry) {
           return entry.second.probed && !entry.second.healthy();
         });
}

std::string CheckedGroup::NameMembers() const {
  MutexLock lock(&mu_);
  std::vector<const Member*> unhealthy;
  for (const std::string& key : order_) {
    const Member& member = members_.find(key)->second;
    if (!member.healthy()) unhealthy.push_back(&member);
  }
  const auto name = [&](size_t i) {
    return absl::StrCat(unhealthy[i]->endpoint.address(), ": ",
                        unhealthy[i]->detail);
  };
  return absl::StrCat(order_.size() - unhealthy.size(), " of ", order_.size(),
                      " healthy", unhealthy.empty() ? "" : "; ",
                      AbbreviatedList(unhealthy.size(), "; ", name, "; and "));
}

std::string CheckedGroup::Name() const {
  return absl::StrCat("health-checked ", group_->Describe(), " (",
                      NameMembers(), ")");
}

absl::Status CheckedGroup::last_error() const {
  const absl::Status error = group_->last_error();
  if (!error.ok()) return error;
  {
    MutexLock lock(&mu_);
    if (!NothingIsHealthy()) return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat("no endpoint is healthy: ", NameMembers()));
}

void CheckedGroup::Stop() {
  watch_.reset();
  gate_->Close();
  probers_.clear();
}

}  // namespace

std::shared_ptr<EndpointGroup> HealthCheckedEndpointGroup(
    std::shared_ptr<EndpointGroup> group,
    std::shared_ptr<const ProbeFactory> factory, HealthCheckedOptions options) {
  assert(group != nullptr && factory != nullptr);
  return std::make_shared<CheckedGroup>(std::move(group), std::move(factory),
                                        std::move(options));
}

}  // namespace multi_backend

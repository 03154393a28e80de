#include "multi_backend/health/health_checked_endpoint_group.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
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
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// The first probe of an endpoint begins within this time, whatever the
// interval, because the endpoint cannot be used before its first probe.
constexpr absl::Duration kFirstProbeWithin = absl::Milliseconds(100);
// In a long list each endpoint takes this share of the time instead: 5,000
// probes a second are no burst for the threads that probe.
constexpr absl::Duration kFirstProbeShare = absl::Microseconds(200);
// The time between two lists, for each endpoint in them.  Making a list and
// giving it to a channel costs a few microseconds for each endpoint, so the
// first results of many endpoints must not each make one.
constexpr absl::Duration kListPausePerEndpoint = absl::Microseconds(20);

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
        publisher_(options_.publisher != nullptr ? options_.publisher
                                                 : TimerQueue::Make()),
        next_seed_(options_.seed != 0 ? options_.seed
                                      : std::random_device()()) {
    watch_ = group_->Watch([this](const ListPtr& list) { OnList(list); });
  }

  ~CheckedGroup() override { Stop(); }

  absl::Status last_error() const override;
  std::string Describe() const override { return Name(); }
  bool names_are_configured() const override {
    return group_->names_are_configured();
  }
  void RequestRefresh() override { group_->RequestRefresh(); }
  std::vector<const EndpointGroup*> InnerGroups() const override {
    return {group_.get()};
  }

 protected:
  std::string Name() const override;

  void OnClose() override {
    Stop();
    group_->Close();
  }

 private:
  // What is known of an endpoint.  Shared with its prober, which may report a
  // last result after the endpoint has left the list.
  struct Member {
    Member(Endpoint new_endpoint, HealthTracker new_tracker)
        : endpoint(std::move(new_endpoint)), tracker(std::move(new_tracker)) {}

    Endpoint endpoint;
    HealthTracker tracker;
    bool probed = false;
    bool succeeded = false;     // At least once.
    bool listed = true;         // In the inner list.
    bool last_healthy = false;  // In the last list that had healthy ones.
    std::string detail = "not probed yet";

    bool healthy() const {
      return succeeded && tracker.state() == BackendState::kAlive;
    }
  };
  using MemberPtr = std::shared_ptr<Member>;
  using Probers = absl::flat_hash_map<std::string, std::unique_ptr<Prober>>;

  void OnList(const ListPtr& list);
  // Makes the members those of `list` and returns the new ones.
  std::vector<MemberPtr> TakeList(const EndpointList& list);
  void StartProbing(const MemberPtr& member, absl::Duration within);
  absl::Duration OnResult(Member& member, const ProbeResult& result);
  // Lets the publisher publish soon.
  void PublishSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Publishes the current list.  Must be the last action of each function that
  // calls it, because a callback may destroy this group.
  void Publish() ABSL_LOCKS_EXCLUDED(mu_);
  // Returns the list to publish; null = the published list stays, or nothing is
  // published yet.
  ListPtr Choose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ListPtr ListOf(absl::FunctionRef<bool(const Member&)> belongs) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  bool NothingIsHealthy() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !members_.empty() && unprobed_ == 0 && healthy_ == 0;
  }
  std::string NameMembers() const;
  void Stop();

  const std::shared_ptr<EndpointGroup> group_;
  const std::shared_ptr<const ProbeFactory> factory_;
  const HealthCheckedOptions options_;
  const std::shared_ptr<const HealthConfig> tracker_config_;
  const std::shared_ptr<Timers> timers_;
  const std::shared_ptr<Timers> publisher_;
  // All results and publications pass through the gate, because a prober and a
  // timer may live a little longer than their group.
  const std::shared_ptr<CallbackGate> gate_ = std::make_shared<CallbackGate>();

  // Used by OnList(), whose calls do not overlap, and by Stop(), which runs
  // after them; so they need no lock.
  uint64_t next_seed_;
  Probers probers_;

  // Taken while no other lock is held, or under the lock of Update().
  mutable Mutex mu_;
  bool known_ ABSL_GUARDED_BY(mu_) = false;  // An inner list has come.
  // In the order of the inner list.
  std::vector<MemberPtr> members_ ABSL_GUARDED_BY(mu_);
  size_t unprobed_ ABSL_GUARDED_BY(mu_) = 0;
  size_t healthy_ ABSL_GUARDED_BY(mu_) = 0;
  // Whether the published list has endpoints.
  bool in_use_ ABSL_GUARDED_BY(mu_) = false;
  bool publishing_soon_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t publish_timer_ ABSL_GUARDED_BY(mu_) = 0;

  std::unique_ptr<Subscription> watch_;
};

void CheckedGroup::OnList(const ListPtr& list) {
  const std::vector<MemberPtr> added = TakeList(*list);
  absl::flat_hash_set<std::string> present;
  for (const Endpoint& endpoint : *list) present.insert(endpoint.key());
  // Destroying a prober waits for its result, which calls nobody else.
  for (auto it = probers_.begin(); it != probers_.end();) {
    const auto current = it++;
    if (!present.contains(current->first)) probers_.erase(current);
  }
  const absl::Duration within =
      std::min(options_.config.interval,
               std::max(kFirstProbeWithin,
                        static_cast<int64_t>(added.size()) * kFirstProbeShare));
  for (const MemberPtr& member : added) StartProbing(member, within);
  Publish();
}

std::vector<CheckedGroup::MemberPtr> CheckedGroup::TakeList(
    const EndpointList& list) {
  std::vector<MemberPtr> added;
  std::vector<MemberPtr> members;
  absl::flat_hash_set<std::string> seen;
  MutexLock lock(&mu_);
  absl::flat_hash_map<std::string, MemberPtr> old;
  for (const MemberPtr& member : members_) {
    member->listed = false;
    old.emplace(member->endpoint.key(), member);
  }
  for (const Endpoint& endpoint : list) {
    const std::string key = endpoint.key();
    if (!seen.insert(key).second) continue;
    const auto found = old.find(key);
    if (found != old.end()) {
      found->second->endpoint = endpoint;
      members.push_back(found->second);
    } else {
      added.push_back(std::make_shared<Member>(
          endpoint, HealthTracker(tracker_config_, next_seed_)));
      members.push_back(added.back());
    }
  }
  known_ = true;
  members_ = std::move(members);
  unprobed_ = healthy_ = 0;
  for (const MemberPtr& member : members_) {
    member->listed = true;
    unprobed_ += member->probed ? 0 : 1;
    healthy_ += member->healthy() ? 1 : 0;
  }
  return added;
}

void CheckedGroup::StartProbing(const MemberPtr& member,
                                absl::Duration within) {
  ProberOptions options;
  options.interval = options_.config.interval;
  options.first_within = within;
  options.timeout = options_.config.timeout;
  options.seed = next_seed_++;
  const Endpoint& endpoint = member->endpoint;  // Only OnList() changes it.
  probers_[endpoint.key()] = std::make_unique<Prober>(
      options, factory_->Make(endpoint, endpoint.address()), timers_,
      [this, gate = gate_, member](const ProbeResult& result) {
        absl::Duration delay = absl::InfiniteDuration();
        gate->Run([&] { delay = OnResult(*member, result); });
        return delay;
      });
}

absl::Duration CheckedGroup::OnResult(Member& member,
                                      const ProbeResult& result) {
  MutexLock lock(&mu_);
  if (!member.listed) return absl::InfiniteDuration();
  const bool was_healthy = member.healthy();
  unprobed_ -= member.probed ? 0 : 1;
  const bool first = !std::exchange(member.probed, true);
  member.succeeded |= result.healthy;
  // A server may have said it, and it goes into logs and the status of calls.
  member.detail = Excerpt(result.detail, HealthTracker::kMaxReasonBytes);
  member.tracker.OnProbe(result.healthy, result.detail, SteadyNow());
  healthy_ += member.healthy() ? 1 : 0;
  healthy_ -= was_healthy ? 1 : 0;
  if (member.healthy() != was_healthy || (first && NothingIsHealthy())) {
    PublishSoon();
  }
  return member.tracker.probe_delay();
}

void CheckedGroup::PublishSoon() {
  if (std::exchange(publishing_soon_, true)) return;
  publish_timer_ = publisher_->RunAfter(
      static_cast<int64_t>(members_.size()) * kListPausePerEndpoint,
      [this, gate = gate_] {
        gate->Run([this] {
          {
            MutexLock lock(&mu_);
            publishing_soon_ = false;
          }
          Publish();
        });
      });
}

void CheckedGroup::Publish() {
  bool nothing = false;
  Update([&] {
    MutexLock lock(&mu_);
    ListPtr list = Choose();
    if (list != nullptr) in_use_ = !list->empty();
    nothing = list == nullptr && NothingIsHealthy();
    return list;
  });
  // Nothing was published, so no callback has run and this group still exists.
  // Threads that wait for the first list get the error.
  if (nothing) SetErrorAsNews(last_error());
}

CheckedGroup::ListPtr CheckedGroup::Choose() {
  if (!known_) return nullptr;
  if (healthy_ > 0 || members_.empty()) {
    for (const MemberPtr& member : members_) {
      member->last_healthy = member->healthy();
    }
    return ListOf([](const Member& member) { return member.healthy(); });
  }
  if (options_.when_all_unhealthy == WhenAllUnhealthy::kPublishEmpty) {
    // Some have not been probed yet, or there is nothing to use.
    return unprobed_ > 0 ? nullptr : std::make_shared<const EndpointList>();
  }
  // Nothing was healthy so far, so the first probes decide.
  if (!in_use_) return nullptr;
  ListPtr kept =
      ListOf([](const Member& member) { return member.last_healthy; });
  if (!kept->empty()) return kept;
  return ListOf([](const Member&) { return true; });
}

CheckedGroup::ListPtr CheckedGroup::ListOf(
    absl::FunctionRef<bool(const Member&)> belongs) const {
  auto list = std::make_shared<EndpointList>();
  for (const MemberPtr& member : members_) {
    if (belongs(*member)) list->push_back(member->endpoint);
  }
  return list;
}

std::string CheckedGroup::NameMembers() const {
  MutexLock lock(&mu_);
  std::vector<const Member*> unhealthy;
  for (const MemberPtr& member : members_) {
    if (!member->healthy()) unhealthy.push_back(member.get());
  }
  const auto name = [&](size_t i) {
    return absl::StrCat(unhealthy[i]->endpoint.address(), ": ",
                        unhealthy[i]->detail);
  };
  return absl::StrCat(healthy_, " of ", members_.size(), " healthy",
                      unhealthy.empty() ? "" : "; ",
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
  uint64_t timer;
  {
    MutexLock lock(&mu_);
    timer = publish_timer_;
  }
  publisher_->Cancel(timer);
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

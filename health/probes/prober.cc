#include "multi_backend/health/probes/prober.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/optional.h"
#include "multi_backend/health/probes/callback_gate.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

// Spreads the probes of backends that would otherwise be probed in step.
// Small, so that delays remain close to the configured interval.
constexpr double kJitter = 0.1;

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", 2014).  It gives unrelated numbers for neighbouring seeds, which
// the generators of <random> do not promise.  The result is in [0, 1).
double NextUnit(uint64_t& state) {
  uint64_t bits = (state += 0x9e3779b97f4a7c15);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

// One prober's part in a loop.
struct Prober::Subscriber {
  explicit Subscriber(OnResult callback) : on_result(std::move(callback)) {}

  const OnResult on_result;
  // Lets the prober wait for its `on_result` while the loop goes on for others.
  CallbackGate gate;
};

// Probes for one prober, or for all that share the probe.  At any time either a
// timer is pending or a probe is running.
class Prober::Loop : public std::enable_shared_from_this<Loop> {
 public:
  // Returns the loop that runs for these options, with `subscriber` in it, or
  // begins one.
  static std::shared_ptr<Loop> Join(const ProberOptions& options,
                                    std::unique_ptr<Probe> probe,
                                    std::shared_ptr<Timers> timers,
                                    std::shared_ptr<Subscriber> subscriber);

  Loop(const ProberOptions& options, std::unique_ptr<Probe> probe,
       std::shared_ptr<Timers> timers)
      : timeout_(options.timeout),
        timers_(std::move(timers)),
        identity_(probe->identity()),
        probe_(std::move(probe)),
        random_(options.seed) {}

  // Ends the loop when no other subscriber is left.
  void Leave(const std::shared_ptr<Subscriber>& subscriber);

 private:
  // What loops have in common that may be one.
  using Key = std::tuple<std::string, const void*, const Timers*,
                         absl::Duration, absl::Duration>;
  struct Shared {
    Mutex mu;
    std::map<Key, Loop*> loops ABSL_GUARDED_BY(mu);
  };
  // Never destroyed, because probers may be used while the process exits.
  static Shared& TheShared() {
    static Shared* const shared = new Shared;
    return *shared;
  }

  // `within`: the longest time until the next probe.
  void Add(std::shared_ptr<Subscriber> subscriber, absl::Duration within,
           uint64_t seed);
  void End();
  void ScheduleLocked(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    pending_.push_back(
        timers_->RunAfter(std::max(delay, absl::ZeroDuration()),
                          [self = shared_from_this()] { self->StartProbe(); }));
  }
  void StartProbe();
  void OnProbeResult(const ProbeResult& result);

  const absl::Duration timeout_;
  const std::shared_ptr<Timers> timers_;
  const ProbeIdentity identity_;  // Keeps alive what `key_` points to.
  // Not set for a loop that is not shared.  Guarded by the lock of TheShared().
  absl::optional<Key> key_;
  Mutex mu_;
  // Null after the end.  StartProbe() shares it: the result may arrive, and a
  // prober end the loop, before Start() has returned on its own thread.
  std::shared_ptr<Probe> probe_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<Subscriber>> subscribers_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool probing_ ABSL_GUARDED_BY(mu_) = false;
  // The timers since the newest result.  There are several when probers have
  // joined, and the first that runs counts.
  std::vector<uint64_t> pending_ ABSL_GUARDED_BY(mu_);
  uint64_t random_ ABSL_GUARDED_BY(mu_);
};

std::shared_ptr<Prober::Loop> Prober::Loop::Join(
    const ProberOptions& options, std::unique_ptr<Probe> probe,
    std::shared_ptr<Timers> timers, std::shared_ptr<Subscriber> subscriber) {
  const ProbeIdentity identity = probe->identity();
  Shared& shared = TheShared();
  MutexLock lock(&shared.mu);
  const Key key(identity.text, identity.credentials.get(), timers.get(),
                options.interval, options.timeout);
  const auto found = shared.loops.find(key);
  std::shared_ptr<Loop> loop;
  if (found != shared.loops.end()) {
    loop = found->second->shared_from_this();
  } else {
    loop = std::make_shared<Loop>(options, std::move(probe), std::move(timers));
    if (!identity.text.empty()) {
      loop->key_ = key;
      shared.loops.emplace(key, loop.get());
    }
  }
  loop->Add(std::move(subscriber),
            options.first_within.value_or(options.interval), options.seed);
  return loop;
}

void Prober::Loop::Add(std::shared_ptr<Subscriber> subscriber,
                       absl::Duration within, uint64_t seed) {
  MutexLock lock(&mu_);
  const bool first = subscribers_.empty();
  subscribers_.push_back(std::move(subscriber));
  // A running probe will tell this subscriber, too.
  if (!probing_) ScheduleLocked(NextUnit(first ? random_ : seed) * within);
}

void Prober::Loop::Leave(const std::shared_ptr<Subscriber>& subscriber) {
  // After this its `on_result` does not run any more.
  subscriber->gate.Close();
  {
    Shared& shared = TheShared();
    MutexLock shared_lock(&shared.mu);
    MutexLock lock(&mu_);
    subscribers_.erase(
        std::find(subscribers_.begin(), subscribers_.end(), subscriber));
    if (!subscribers_.empty()) return;
    ended_ = true;
    if (key_.has_value()) shared.loops.erase(*key_);
  }
  End();
}

void Prober::Loop::End() {
  std::vector<uint64_t> pending;
  std::shared_ptr<Probe> probe;
  {
    MutexLock lock(&mu_);
    pending.swap(pending_);
    probe.swap(probe_);
  }
  // Without the lock, because these wait for functions that may take it to
  // schedule the next probe.
  for (const uint64_t timer : pending) timers_->Cancel(timer);
  probe.reset();
}

void Prober::Loop::StartProbe() {
  std::vector<uint64_t> others;
  std::shared_ptr<Probe> probe;
  {
    MutexLock lock(&mu_);
    if (ended_ || probing_) return;
    probing_ = true;
    probe = probe_;
    // They stay in pending_, so that End() waits for this function.  A single
    // one is the timer that runs this function.
    if (pending_.size() > 1) others = pending_;
  }
  for (const uint64_t timer : others) timers_->Drop(timer);
  probe->Start(timeout_,
               [self = shared_from_this()](const ProbeResult& result) {
                 self->OnProbeResult(result);
               });
}

void Prober::Loop::OnProbeResult(const ProbeResult& result) {
  absl::Duration delay = absl::InfiniteDuration();
  std::vector<std::shared_ptr<Subscriber>> told;
  while (true) {
    std::vector<std::shared_ptr<Subscriber>> others;
    {
      MutexLock lock(&mu_);
      if (ended_) return;
      // Those that joined while others were told hear of it, too.
      for (const auto& subscriber : subscribers_) {
        if (std::find(told.begin(), told.end(), subscriber) == told.end()) {
          others.push_back(subscriber);
        }
      }
      if (others.empty()) {
        probing_ = false;
        pending_.clear();
        const double unit = NextUnit(random_);
        ScheduleLocked(delay * (1 - kJitter + 2 * kJitter * unit));
        return;
      }
    }
    for (const auto& subscriber : others) {
      subscriber->gate.Run(
          [&] { delay = std::min(delay, subscriber->on_result(result)); });
      told.push_back(subscriber);
    }
  }
}

Prober::Prober(const ProberOptions& options, std::unique_ptr<Probe> probe,
               std::shared_ptr<Timers> timers, OnResult on_result)
    : subscriber_(std::make_shared<Subscriber>(std::move(on_result))),
      loop_(Loop::Join(options, std::move(probe), std::move(timers),
                       subscriber_)) {}

Prober::~Prober() { loop_->Leave(subscriber_); }

}  // namespace multi_backend

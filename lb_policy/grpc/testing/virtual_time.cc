#include "multi_backend/lb_policy/grpc/testing/virtual_time.h"

#include <utility>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/grpc/testing/policy_engine.h"

namespace multi_backend {
namespace {

// The start is not 0, because a time of 0 means "not yet" in some places.
constexpr int64_t kStartNanos = 1'000'000'000'000;

}  // namespace

// While one of these lives, grpc_core::Timestamp::Now() returns virtual time.
class VirtualTime::CoreTime final : public grpc_core::Timestamp::ScopedSource {
 public:
  explicit CoreTime(const VirtualTime* time) : time_(time) {}
  grpc_core::Timestamp Now() override {
    return grpc_core::Timestamp::FromMillisecondsAfterProcessEpoch(
        time_->NowNanos() / 1'000'000);
  }
  // The base class would forward this to the source of real time.
  void InvalidateCache() override {}

 private:
  const VirtualTime* const time_;
};

// The timers of the pool's backends and probers.
class VirtualTime::PoolTimers final : public Timers {
 public:
  explicit PoolTimers(VirtualTime* time) : time_(time) {}
  uint64_t RunAfter(absl::Duration delay, std::function<void()> fn) override {
    return time_->timers_.RunAfter(delay, [time = time_, fn = std::move(fn)]() {
      fn();
      time->Settle();
    });
  }
  void Cancel(uint64_t id) override { time_->timers_.Cancel(id); }
  void Drop(uint64_t id) override { time_->timers_.Drop(id); }

 private:
  VirtualTime* const time_;
};

class VirtualTime::Engine final : public PolicyEngine {
 public:
  // Only a policy's use of an engine ends with VirtualTime::Close().
  enum class User { kPolicy, kSerializer };
  Engine(VirtualTime* time, User user) : time_(time), user_(user) {}

  using PolicyEngine::Run;
  void Run(absl::AnyInvocable<void()> closure) override {
    CheckOpen("Run()");
    if (user_ == User::kPolicy && time_->held_.has_value()) {
      time_->held_->push_back(std::move(closure));
      return;
    }
    time_->engine_queue_.push_back(std::move(closure));
  }
  TaskHandle RunAfter(Duration when, Closure* closure) override {
    return RunAfter(when, [closure]() { closure->Run(); });
  }
  TaskHandle RunAfter(Duration when,
                      absl::AnyInvocable<void()> closure) override {
    CheckOpen("RunAfter()");
    auto shared =
        std::make_shared<absl::AnyInvocable<void()>>(std::move(closure));
    auto id = std::make_shared<uint64_t>(0);
    *id = time_->timers_.RunAfter(absl::FromChrono(when),
                                  [time = time_, shared, id]() {
                                    time->engine_timers_.erase(*id);
                                    (*shared)();
                                    time->Settle();
                                  });
    time_->engine_timers_.insert(*id);
    return {static_cast<intptr_t>(*id), kTimerKey};
  }
  bool Cancel(TaskHandle handle) override {
    const auto id = static_cast<uint64_t>(handle.keys[0]);
    if (handle.keys[1] != kTimerKey) {
      ADD_FAILURE() << "Cancel() of a handle that the engine never gave";
    }
    if (time_->engine_timers_.erase(id) == 0) return false;
    time_->timers_.Cancel(id);
    return true;
  }

 private:
  // Tells this engine's handles from those of other engines.
  static constexpr intptr_t kTimerKey = 0x7e57;

  absl::Status NotForAPolicy(const char* what) override {
    ADD_FAILURE() << "the policy called the event engine's " << what;
    return absl::UnimplementedError(what);
  }
  void CheckOpen(const char* what) {
    if (!time_->closed_ || user_ == User::kSerializer) return;
    ADD_FAILURE() << "the policy called the event engine's " << what
                  << " after its shutdown";
  }

  VirtualTime* const time_;
  const User user_;
};

VirtualTime::VirtualTime()
    : engine_(std::make_shared<Engine>(this, Engine::User::kPolicy)),
      serializer_engine_(
          std::make_shared<Engine>(this, Engine::User::kSerializer)),
      pool_timers_(std::make_shared<PoolTimers>(this)) {}

VirtualTime::~VirtualTime() {
  if (engine_.use_count() != 1) ADD_FAILURE() << "someone kept the engine";
}

int64_t VirtualTime::NowNanos() const {
  return kStartNanos + absl::ToInt64Nanoseconds(timers_.now());
}

PoolTime VirtualTime::ForPool() {
  PoolTime time;
  time.clock = this;
  time.timers = [timers = pool_timers_]() { return timers; };
  return time;
}

VirtualTime::EventEngine* VirtualTime::engine() { return engine_.get(); }

std::shared_ptr<VirtualTime::EventEngine> VirtualTime::ForSerializer() {
  return serializer_engine_;
}

void VirtualTime::RunInCore(const std::function<void()>& fn) {
  const CoreTime core_time(this);
  {
    const core::CoreScope scope;
    fn();
  }
  Settle();
}

void VirtualTime::RunOutsideCore(const std::function<void()>& fn) {
  const CoreTime core_time(this);
  fn();
  Settle();
}

void VirtualTime::Advance(absl::Duration by) {
  const CoreTime core_time(this);
  timers_.Advance(by);
}

void VirtualTime::ReleaseEngine() {
  const CoreTime core_time(this);
  for (auto& closure : *held_) engine_queue_.push_back(std::move(closure));
  held_.reset();
  Settle();
}

void VirtualTime::Settle() {
  while (!engine_queue_.empty()) {
    absl::AnyInvocable<void()> next = std::move(engine_queue_.front());
    engine_queue_.pop_front();
    next();
  }
}

}  // namespace multi_backend

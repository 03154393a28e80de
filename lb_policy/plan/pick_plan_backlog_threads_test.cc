// The order of waiting calls when core keeps none: all of them pick again with
// each new picker, in any order and on many threads.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/lb_policy/waiting/waiting_calls.h"
#include "multi_backend/sync/mutex.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;

constexpr int kThreads = 8;
constexpr size_t kCalls = 1000;
constexpr size_t kBackends = 4;
constexpr int kLimit = 2;  // Of calls for each backend.
// If a call that may go is not woken, nothing happens any more.
constexpr std::chrono::seconds kPatience{200};

struct Call {
  int place = 0;  // In the order in which the calls came.
  BacklogTicket ticket;
};

// One channel with kCalls waiting calls, the policy that makes its pickers, and
// core, whose threads pick for the calls and end them.
class Channel {
 public:
  // One call in `cancel_every` is cancelled while it waits; 0 = none.
  explicit Channel(int cancel_every)
      : cancel_every_(cancel_every),
        pool_(BackendPool::Create()),
        backlogs_(std::make_shared<BacklogSet>()),
        waiting_(&pool_->events()->waiting_channels) {
    clock_.Set(absl::ToInt64Nanoseconds(absl::Seconds(100)));
    config_.max_requests_per_backend = kLimit;
    config_.root.backlog.emplace();
    config_.root.backlog->limit = kCalls;
    config_.root.backlog->timeout = absl::InfiniteDuration();
    for (size_t i = 0; i < kBackends; ++i) {
      const std::string address = absl::StrCat("10.0.0.", i, ":1");
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, *Endpoint::Parse(address)));
      entries_.back().backend().SetLimit(kLimit);
    }
    watch_ =
        pool_->events()->AddWatch([this] { Request(); }, [this] { Request(); });
    // Calls that came earlier have taken all places.
    for (PlanEntry& entry : entries_) {
      for (int i = 0; i < kLimit; ++i) {
        EXPECT_TRUE(entry.backend().TryBeginCall());
        running_.push_back(&entry.backend());
      }
    }
    Publish(MakePlan(nullptr));
    for (size_t i = 0; i < kCalls; ++i) {
      calls_.push_back(std::make_unique<Call>());
      calls_.back()->place = static_cast<int>(i);
      PickFor(*calls_.back());
    }
  }
  ~Channel() { pool_->events()->RemoveWatch(watch_); }

  // Runs core's threads, and the policy in this one, until all calls have
  // ended.
  void Run() {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t] { RunCore(static_cast<uint64_t>(t)); });
    }
    RunPolicy();
    for (std::thread& thread : threads) thread.join();
  }

  // Why Run() ended before all calls had; "" if it did not.
  std::string trouble() const {
    MutexLock lock(&mutex_);
    return trouble_;
  }
  int gone() const { return gone_.load(); }
  int cancelled() const { return cancelled_.load(); }
  // How many calls went although an older one was waiting.
  int overtook() const { return overtook_.load(); }
  int64_t in_flight() const {
    int64_t sum = 0;
    for (const PlanEntry& entry : entries_) {
      sum += entry.backend().load.in_flight.load();
    }
    return sum;
  }
  size_t waiting() const { return picker().plan->root().backlog()->waiting(); }

 private:
  struct Picker {
    std::shared_ptr<const PickPlan> plan;
    uint64_t number = 0;
  };

  // --- The policy ------------------------------------------------------------

  void Request() {
    MutexLock lock(&mutex_);
    requested_ = true;
    changed_.SignalAll();
  }

  std::shared_ptr<const PickPlan> MakePlan(const PickPlan* previous) {
    PickPlan::Args args = testing::PlanArgs(config_, entries_, clock_);
    args.previous = previous;
    args.backlogs = backlogs_;
    std::shared_ptr<const PickPlan> plan = PickPlan::Make(std::move(args));
    plan->UpdateBacklogs(clock_.NowNanos());
    return plan;
  }

  void RunPolicy() {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    std::shared_ptr<const PickPlan> plan = picker().plan;
    for (int pass = 1;; ++pass) {
      {
        MutexLock lock(&mutex_);
        while (!requested_ && !DoneLocked()) {
          if (std::chrono::steady_clock::now() >= give_up) {
            trouble_ = absl::StrCat("nobody woke the ", queued_.size(),
                                    " calls that wait");
            changed_.SignalAll();  // Core's threads stop, too.
          }
          if (!trouble_.empty()) break;
          changed_.WaitUntil(&mutex_, give_up);
        }
        if (DoneLocked()) return;
        requested_ = false;
      }
      if (pass % 16 == 0) plan = MakePlan(plan.get());
      waiting_.Clear();
      if (plan->BeginPass() > 0) waiting_.Add();
      Publish(plan);
    }
  }

  // --- Core ------------------------------------------------------------------

  Picker picker() const {
    MutexLock lock(&mutex_);
    return picker_;
  }

  // All queued calls have to pick again.
  void Publish(std::shared_ptr<const PickPlan> plan) {
    MutexLock lock(&mutex_);
    picker_.plan.swap(plan);
    ++picker_.number;
    for (Call* call : queued_) picking_.push_back(call);
    queued_.clear();
    changed_.SignalAll();
  }

  // A call that had to wait with an old picker picks again at once.
  bool Queue(Call& call, const Picker& picker) {
    MutexLock lock(&mutex_);
    if (picker.number != picker_.number) return false;
    queued_.push_back(&call);
    return true;
  }

  bool DoneLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !trouble_.empty() ||
           (ended_ == kCalls && running_.empty() && calls_.size() == kCalls);
  }

  template <typename T>
  static T TakeAny(std::vector<T>& from, FastRandom& random) {
    std::swap(from[random.Below(static_cast<uint32_t>(from.size()))],
              from.back());
    const T taken = from.back();
    from.pop_back();
    return taken;
  }

  void RunCore(uint64_t seed) {
    FastRandom random(seed);
    while (true) {
      Backend* to_end = nullptr;
      Call* to_cancel = nullptr;
      Call* to_pick = nullptr;
      {
        MutexLock lock(&mutex_);
        while (running_.empty() && picking_.empty() && !DoneLocked()) {
          changed_.Wait(&mutex_);
        }
        if (DoneLocked()) return;
        if (!running_.empty() && (picking_.empty() || random.Below(8) == 0)) {
          to_end = TakeAny(running_, random);
        } else if (!picking_.empty()) {
          to_pick = TakeAny(picking_, random);
        }
        if (cancel_every_ != 0 && !queued_.empty()) {
          Call* const call = TakeAny(queued_, random);
          if (call->place % cancel_every_ == 0) {
            to_cancel = call;
          } else {
            queued_.push_back(call);
          }
        }
      }
      if (to_end != nullptr) {
        to_end->EndCall();
        MutexLock lock(&mutex_);
        if (DoneLocked()) changed_.SignalAll();
      }
      if (to_cancel != nullptr) Cancel(*to_cancel);
      if (to_pick != nullptr) PickFor(*to_pick);
    }
  }

  void Cancel(Call& call) {
    if (call.ticket.Leave()) Request();
    ++cancelled_;
    End(nullptr);
  }

  // The call has ended, or it runs on `backend` from now on.
  void End(Backend* backend) {
    MutexLock lock(&mutex_);
    ++ended_;
    if (backend != nullptr) running_.push_back(backend);
    changed_.SignalAll();
  }

  void PickFor(Call& call) {
    while (true) {
      const Picker picker = this->picker();
      const PickPlan::TurnResult turn =
          picker.plan->PickInTurn(CallLabel(), PickRequest(), call.ticket);
      if (turn.repick) Request();
      if (turn.pick.outcome == Outcome::kPicked) {
        Backend& backend = picker.plan->entries()[turn.pick.entry].backend();
        // Another call may have taken the last place since.
        if (!backend.TryBeginCall()) continue;
        Go(call);
        End(&backend);
        return;
      }
      if (turn.pick.outcome != Outcome::kInBacklog) {
        ADD_FAILURE() << "call " << call.place << " does not wait";
        return End(nullptr);
      }
      if (!waiting_.Add()) Request();
      if (Queue(call, picker)) return;
    }
  }

  void Go(Call& call) {
    // No other call may go before this one leaves the backlog.
    overtook_ += last_gone_.exchange(call.place) > call.place;
    ++gone_;
    if (call.ticket.Leave(/*sent=*/true)) Request();
  }

  const int cancel_every_;
  testing::ManualClock clock_;
  PolicyConfig config_;
  const std::shared_ptr<BackendPool> pool_;
  std::vector<PlanEntry> entries_;
  const std::shared_ptr<BacklogSet> backlogs_;
  WaitingCalls waiting_;
  PoolEvents::WatchId watch_ = 0;
  std::vector<std::unique_ptr<Call>> calls_;

  std::atomic<int> last_gone_{-1};
  std::atomic<int> gone_{0};
  std::atomic<int> cancelled_{0};
  std::atomic<int> overtook_{0};

  mutable Mutex mutex_;
  CondVar changed_;
  bool requested_ ABSL_GUARDED_BY(mutex_) = false;
  Picker picker_ ABSL_GUARDED_BY(mutex_);
  std::vector<Call*> queued_ ABSL_GUARDED_BY(mutex_);
  std::vector<Call*> picking_ ABSL_GUARDED_BY(mutex_);
  std::vector<Backend*> running_ ABSL_GUARDED_BY(mutex_);  // Of the calls sent.
  size_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
};

TEST(BacklogThreadsTest, AThousandThatPickInAnyOrderGoInTheOrderTheyCame) {
  Channel channel(/*cancel_every=*/0);
  ASSERT_EQ(channel.waiting(), kCalls);
  channel.Run();
  EXPECT_EQ(channel.trouble(), "");
  EXPECT_EQ(channel.gone(), static_cast<int>(kCalls));
  EXPECT_EQ(channel.overtook(), 0);
  EXPECT_EQ(channel.waiting(), 0u);
  EXPECT_EQ(channel.in_flight(), 0);
}

TEST(BacklogThreadsTest, TheOrderHoldsWhileOthersAreCancelled) {
  Channel channel(/*cancel_every=*/3);
  channel.Run();
  EXPECT_EQ(channel.trouble(), "");
  EXPECT_EQ(channel.gone() + channel.cancelled(), static_cast<int>(kCalls));
  EXPECT_GT(channel.cancelled(), 0);
  EXPECT_EQ(channel.overtook(), 0);
  EXPECT_EQ(channel.waiting(), 0u);
  EXPECT_EQ(channel.in_flight(), 0);
}

}  // namespace
}  // namespace multi_backend

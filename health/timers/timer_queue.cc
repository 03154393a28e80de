#include "multi_backend/health/timers/timer_queue.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "multi_backend/health/timers/process_thread.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

using Clock = std::chrono::steady_clock;
using Function = std::function<void()>;

// Small enough that adding this delay to the current time does not overflow.
constexpr absl::Duration kLongestDelay = absl::Hours(24 * 365 * 100);

Clock::time_point After(absl::Duration delay) {
  return Clock::now() +
         absl::ToChronoNanoseconds(
             std::min(std::max(delay, absl::ZeroDuration()), kLongestDelay));
}

}  // namespace

struct TimerQueue::State {
  // Sorted by time, then by the order of the RunAfter() calls.
  using Key = std::pair<Clock::time_point, uint64_t>;

  Mutex mu;
  // Signalled when the earliest timer has changed and when the queue ends.
  CondVar changed;
  CondVar finished;
  std::map<Key, Function> pending ABSL_GUARDED_BY(mu);
  absl::flat_hash_map<uint64_t, Clock::time_point> times ABSL_GUARDED_BY(mu);
  uint64_t last_id ABSL_GUARDED_BY(mu) = 0;
  uint64_t running_id ABSL_GUARDED_BY(mu) = 0;  // 0 = none.
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::thread thread ABSL_GUARDED_BY(mu);

  void Loop();
  // Runs the earliest timer, without the lock.
  void RunFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
};

void TimerQueue::State::Loop() {
  MutexLock lock(&mu);
  while (!stopped) {
    if (pending.empty()) {
      changed.Wait(&mu);
      continue;
    }
    // A copy, because the entry may be cancelled during the wait.
    const Clock::time_point due = pending.begin()->first.first;
    if (due > Clock::now()) {
      changed.WaitUntil(&mu, due);
    } else {
      RunFirst();
    }
  }
}

void TimerQueue::State::RunFirst() {
  const auto first = pending.begin();
  running_id = first->first.second;
  Function fn = std::move(first->second);
  times.erase(running_id);
  pending.erase(first);
  mu.Unlock();
  fn();
  fn = nullptr;  // Destroys its captures before Cancel() may return.
  mu.Lock();
  running_id = 0;
  finished.SignalAll();
}

std::shared_ptr<TimerQueue> TimerQueue::Make() {
  return std::shared_ptr<TimerQueue>(new TimerQueue);
}

std::shared_ptr<TimerQueue> TimerQueue::Shared() {
  static auto& shared = *new ProcessWide<TimerQueue>;
  return shared.Get(&TimerQueue::Make);
}

TimerQueue::TimerQueue() : state_(std::make_shared<State>()) {}

TimerQueue::~TimerQueue() {
  std::thread thread;
  std::map<State::Key, Function> dropped;  // Destroyed after unlocking.
  {
    MutexLock lock(&state_->mu);
    state_->stopped = true;
    state_->changed.SignalAll();
    dropped.swap(state_->pending);
    thread = std::move(state_->thread);
  }
  EndProcessThread(std::move(thread));
}

uint64_t TimerQueue::RunAfter(absl::Duration delay, std::function<void()> fn) {
  MutexLock lock(&state_->mu);
  const uint64_t id = ++state_->last_id;
  const Clock::time_point time = After(delay);
  state_->times.emplace(id, time);
  const auto entry =
      state_->pending.emplace(State::Key(time, id), std::move(fn)).first;
  if (!state_->thread.joinable()) {
    state_->thread =
        StartProcessThread("mb_timers", [state = state_] { state->Loop(); });
  } else if (entry == state_->pending.begin()) {
    state_->changed.Signal();
  }
  return id;
}

bool TimerQueue::Remove(uint64_t id) {
  Function dropped;  // Destroyed without the lock.
  MutexLock lock(&state_->mu);
  const auto time = state_->times.find(id);
  if (time == state_->times.end()) return false;
  const auto entry = state_->pending.find({time->second, id});
  dropped = std::move(entry->second);
  state_->pending.erase(entry);
  state_->times.erase(time);
  return true;
}

void TimerQueue::Cancel(uint64_t id) {
  if (Remove(id)) return;
  MutexLock lock(&state_->mu);
  if (state_->thread.get_id() == std::this_thread::get_id()) return;
  while (state_->running_id == id && id != 0) {
    state_->finished.Wait(&state_->mu);
  }
}

void TimerQueue::Drop(uint64_t id) { Remove(id); }

}  // namespace multi_backend

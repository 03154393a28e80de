#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

using Clock = std::chrono::steady_clock;

// No process lives longer, and adding this wait to the current time does not
// overflow.
constexpr absl::Duration kLongestWait = absl::Hours(24 * 365 * 100);

}  // namespace

// One watch.  A thread that offers a new list while no callback is running
// becomes the runner, which calls back until there is no newer list.  A thread
// that offers a list to a running watch only leaves it there.
class DynamicEndpointGroup::Watcher {
 public:
  // The thread that constructs the watch is its first runner, so that the first
  // callback happens within Watch(); it must call Run() next.
  explicit Watcher(Callback callback) : callback_(std::move(callback)) {}

  // Leaves a list.  True: the caller has become the runner and must call Run().
  bool Offer(uint64_t version, ListPtr list) {
    MutexLock lock(&mu_);
    if (stopped_ || version <= newest_) return false;
    newest_ = version;
    pending_ = std::move(list);
    if (running_) return false;
    running_ = true;
    runner_ = std::this_thread::get_id();
    return true;
  }

  void Run() {
    while (ListPtr list = TakePendingOrEnd()) callback_(std::move(list));
  }

  // On return no callback is running, except one that called Stop() itself, and
  // none will start.
  void Stop() {
    Callback done;  // As in TakePendingOrEnd().
    MutexLock lock(&mu_);
    stopped_ = true;
    pending_ = nullptr;
    if (running_ && runner_ == std::this_thread::get_id()) return;
    while (running_) idle_.Wait(&mu_);
    done = std::move(callback_);
  }

 private:
  // The list for the next callback.  Null: there is none, and the calling
  // thread is no longer the runner.
  ListPtr TakePendingOrEnd() {
    Callback done;  // Destroyed without the lock, because it may hold anything.
    MutexLock lock(&mu_);
    if (!stopped_ && pending_ != nullptr) {
      return std::exchange(pending_, nullptr);
    }
    running_ = false;
    if (stopped_) done = std::move(callback_);
    idle_.SignalAll();
    return nullptr;
  }

  Mutex mu_;
  CondVar idle_;
  // The runner calls it without the lock; moved away only when there is no
  // runner.
  Callback callback_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool running_ ABSL_GUARDED_BY(mu_) = true;
  std::thread::id runner_ ABSL_GUARDED_BY(mu_) = std::this_thread::get_id();
  uint64_t newest_ ABSL_GUARDED_BY(mu_) = 0;  // Version offered last.
  ListPtr pending_ ABSL_GUARDED_BY(mu_);      // Null = none.
};

struct DynamicEndpointGroup::State {
  Mutex mu;
  CondVar changed;  // Signalled for new lists and at the end.
  ListPtr list ABSL_GUARDED_BY(mu) = std::make_shared<const EndpointList>();
  uint64_t version ABSL_GUARDED_BY(mu) = 0;  // 0 = no list known yet.
  absl::Status error ABSL_GUARDED_BY(mu);
  bool closed ABSL_GUARDED_BY(mu) = false;
  // By id, so that watches are called in the order in which they were made.
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers ABSL_GUARDED_BY(mu);
  uint64_t next_id ABSL_GUARDED_BY(mu) = 1;
};

class DynamicEndpointGroup::WatchHandle : public EndpointGroup::Subscription {
 public:
  WatchHandle(std::weak_ptr<State> state, uint64_t id,
              std::shared_ptr<Watcher> watcher)
      : state_(std::move(state)), id_(id), watcher_(std::move(watcher)) {}

  ~WatchHandle() override {
    if (std::shared_ptr<State> state = state_.lock()) {
      MutexLock lock(&state->mu);
      state->watchers.erase(id_);  // watcher_ keeps it: nothing dies here.
    }
    watcher_->Stop();
  }

 private:
  const std::weak_ptr<State> state_;
  const uint64_t id_;
  const std::shared_ptr<Watcher> watcher_;
};

DynamicEndpointGroup::DynamicEndpointGroup()
    : state_(std::make_shared<State>()) {}

DynamicEndpointGroup::~DynamicEndpointGroup() { StopWatchers(*state_); }

std::shared_ptr<const EndpointList> DynamicEndpointGroup::endpoints() const {
  MutexLock lock(&state_->mu);
  return state_->list;
}

std::unique_ptr<EndpointGroup::Subscription> DynamicEndpointGroup::Watch(
    Callback callback) {
  // The callback may destroy the group.
  const std::shared_ptr<State> state = state_;
  auto watcher = std::make_shared<Watcher>(std::move(callback));
  uint64_t id = 0;
  {
    MutexLock lock(&state->mu);
    if (!state->closed) {
      id = state->next_id++;
      state->watchers.emplace(id, watcher);
      if (state->version > 0) watcher->Offer(state->version, state->list);
    }
  }
  watcher->Run();
  return std::make_unique<WatchHandle>(state, id, std::move(watcher));
}

absl::Status DynamicEndpointGroup::AwaitInitialEndpoints(
    absl::Duration timeout) {
  const Clock::time_point end =
      Clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kLongestWait));
  bool closed = false;
  bool known = false;
  {
    MutexLock lock(&state_->mu);
    while (state_->list->empty() && !state_->closed && Clock::now() < end) {
      state_->changed.WaitUntil(&state_->mu, end);
    }
    if (!state_->list->empty()) return absl::OkStatus();
    closed = state_->closed;
    known = state_->version > 0;
  }
  if (closed) {
    return absl::CancelledError(
        absl::StrCat(Describe(), ": closed before it had endpoints"));
  }
  // With neither a list nor an error the source has simply not answered.
  const bool waiting = !known && last_error().ok();
  return absl::DeadlineExceededError(
      absl::StrCat(Describe(), waiting ? ": no answer" : ": no endpoints",
                   " after ", absl::FormatDuration(timeout)));
}

void DynamicEndpointGroup::Close() {
  const std::shared_ptr<State> state = state_;
  bool first = false;
  {
    MutexLock lock(&state->mu);
    first = !std::exchange(state->closed, true);
    state->changed.SignalAll();
  }
  StopWatchers(*state);
  if (first) OnClose();
}

absl::Status DynamicEndpointGroup::last_error() const {
  MutexLock lock(&state_->mu);
  // A copy that shares no text with the original: the distribution's Abseil
  // decrements the reference count where the thread sanitizer does not see it.
  return absl::Status(state_->error.code(), state_->error.message());
}

std::string DynamicEndpointGroup::Describe() const {
  const absl::Status error = last_error();
  if (error.ok()) return Name();
  return absl::StrCat(Name(), " (last error: ", error.message(), ")");
}

void DynamicEndpointGroup::SetEndpoints(EndpointList endpoints) {
  SetEndpoints(std::make_shared<const EndpointList>(std::move(endpoints)));
}

void DynamicEndpointGroup::SetEndpoints(ListPtr endpoints) {
  Update([&endpoints] { return endpoints; });
}

void DynamicEndpointGroup::SetError(absl::Status error) {
  MutexLock lock(&state_->mu);
  if (!state_->closed) state_->error = std::move(error);
}

void DynamicEndpointGroup::SetErrorAsNews(absl::Status error) {
  const std::shared_ptr<State> state = state_;
  {
    MutexLock lock(&state->mu);
    if (state->closed) return;
    state->error = std::move(error);
    if (state->version > 0) return;
    ++state->version;
  }
  Deliver(*state);
}

void DynamicEndpointGroup::Update(absl::FunctionRef<ListPtr()> compute) {
  // The callbacks may destroy the group, so `this` is not used after the lock.
  const std::shared_ptr<State> state = state_;
  ListPtr replaced;  // Frees the old list without the lock.
  {
    MutexLock lock(&state->mu);
    if (state->closed) return;
    ListPtr list = compute();
    if (list == nullptr) return;
    state->error = absl::OkStatus();
    const bool same =
        state->version > 0 && (list == state->list || *list == *state->list);
    if (same) {
      replaced = std::move(list);
      return;
    }
    ++state->version;
    replaced = std::exchange(state->list, std::move(list));
    state->changed.SignalAll();
  }
  Deliver(*state);
}

void DynamicEndpointGroup::Redeliver() {
  const std::shared_ptr<State> state = state_;
  {
    MutexLock lock(&state->mu);
    if (state->closed || state->version == 0) return;
    ++state->version;
  }
  Deliver(*state);
}

void DynamicEndpointGroup::Deliver(State& state) {
  ListPtr list;
  uint64_t version = 0;
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    MutexLock lock(&state.mu);
    list = state.list;
    version = state.version;
    watchers.reserve(state.watchers.size());
    for (const auto& entry : state.watchers) watchers.push_back(entry.second);
  }
  for (const std::shared_ptr<Watcher>& watcher : watchers) {
    if (watcher->Offer(version, list)) watcher->Run();
  }
}

void DynamicEndpointGroup::StopWatchers(State& state) {
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers;
  {
    MutexLock lock(&state.mu);
    watchers = state.watchers;
  }
  // They stay in the list until all have stopped, so that a concurrent Close()
  // waits for them too.
  for (const auto& entry : watchers) entry.second->Stop();
  MutexLock lock(&state.mu);
  state.watchers.clear();
}

}  // namespace multi_backend

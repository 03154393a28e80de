#include "multi_backend/health/grpc/call_thread.h"

#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "multi_backend/health/timers/process_thread.h"
#include "multi_backend/port/run_later.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

struct CallThread::State {
  grpc::CompletionQueue queue;
  Mutex mu;
  CondVar changed;
  int calls ABSL_GUARDED_BY(mu) = 0;
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::thread thread ABSL_GUARDED_BY(mu);

  // Waits until a call is under way.  Returns false when the thread is to end.
  bool AwaitCall() {
    MutexLock lock(&mu);
    while (calls == 0 && !stopped) changed.Wait(&mu);
    return calls > 0;
  }

  void Loop() {
    while (AwaitCall()) {
      void* tag;
      bool ok;
      queue.Next(&tag, &ok);
      if (static_cast<Call*>(tag)->OnFinished()) continue;
      MutexLock lock(&mu);
      --calls;
    }
    // The queue is empty, but gRPC requires that each queue is shut down and
    // drained before its destruction.
    queue.Shutdown();
    void* tag;
    bool ok;
    while (queue.Next(&tag, &ok)) {
    }
  }
};

std::shared_ptr<CallThread> CallThread::Shared() {
  static auto& shared = *new ProcessWide<CallThread>;
  return shared.Get([] { return std::shared_ptr<CallThread>(new CallThread); });
}

CallThread::CallThread() : state_(std::make_shared<State>()) {}

CallThread::~CallThread() {
  std::thread thread;
  {
    MutexLock lock(&state_->mu);
    state_->stopped = true;
    state_->changed.SignalAll();
    thread = std::move(state_->thread);
  }
  if (!core::IsInCore()) {
    EndProcessThread(std::move(thread));
  } else if (thread.joinable()) {
    thread.detach();
  }
}

grpc::CompletionQueue* CallThread::Begin() {
  MutexLock lock(&state_->mu);
  ++state_->calls;
  if (state_->thread.joinable()) {
    state_->changed.Signal();
    return &state_->queue;
  }
  state_->thread =
      StartProcessThread("mb_probe_calls", [state = state_] { state->Loop(); });
  return &state_->queue;
}

}  // namespace multi_backend

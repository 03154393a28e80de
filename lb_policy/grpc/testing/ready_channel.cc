#include "multi_backend/lb_policy/grpc/testing/ready_channel.h"

#include <grpc/event_engine/event_engine.h>

#include <deque>
#include <memory_resource>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/clock.h"
#include "multi_backend/lb_policy/grpc/testing/policy_engine.h"
#include "multi_backend/port/fakes.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {
namespace {

const core::EventEnginePtr& RealEngine() {
  static auto* const engine = new core::EventEnginePtr(
      grpc_event_engine::experimental::CreateEventEngine());
  return *engine;
}

}  // namespace

// Keeps what the policy wants to run on another thread for the thread of the
// test.  The timers are the real engine's.
class ReadyChannel::Engine final : public PolicyEngine {
 public:
  // Returns false if there is nothing to run.
  bool RunNext() {
    absl::AnyInvocable<void()> next;
    {
      MutexLock lock(&mutex_);
      if (queue_.empty()) return false;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
    return true;
  }

  using PolicyEngine::Run;
  void Run(absl::AnyInvocable<void()> closure) override {
    MutexLock lock(&mutex_);
    queue_.push_back(std::move(closure));
  }
  TaskHandle RunAfter(Duration when, Closure* closure) override {
    return RealEngine()->RunAfter(when, closure);
  }
  TaskHandle RunAfter(Duration when,
                      absl::AnyInvocable<void()> closure) override {
    return RealEngine()->RunAfter(when, std::move(closure));
  }
  bool Cancel(TaskHandle handle) override {
    return RealEngine()->Cancel(handle);
  }

 private:
  Mutex mutex_;
  std::deque<absl::AnyInvocable<void()>> queue_ ABSL_GUARDED_BY(mutex_);
};

// A pick must cost what the policy makes it cost, and not what the layout of
// the heap does.  So all subchannels lie close together, whatever else a policy
// allocates between them.
class ReadyChannel::Subchannel final : public core::FakeSubchannelBase {
 public:
  static void* operator new(size_t size) { return Memory().allocate(size); }
  static void operator delete(void* memory, size_t size) {
    Memory().deallocate(memory, size);
  }

  explicit Subchannel(grpc_core::WorkSerializer* serializer)
      : serializer_(serializer) {}

  void WatchConnectivityState(
      std::unique_ptr<ConnectivityStateWatcherInterface> watcher) override {
    watcher_ = std::move(watcher);
    serializer_->Run(
        [self = Ref(), this]() {
          if (watcher_ == nullptr) return;
          watcher_->OnConnectivityStateChange(GRPC_CHANNEL_READY,
                                              absl::OkStatus());
        },
        DEBUG_LOCATION);
  }
  void CancelConnectivityStateWatch(
      ConnectivityStateWatcherInterface*) override {
    watcher_ = nullptr;
  }
  void RequestConnection() override {}
  void ResetBackoff() override {}
  void AddDataWatcher(std::unique_ptr<DataWatcherInterface>) override {}

 private:
  static std::pmr::memory_resource& Memory() {
    static auto* pool = new std::pmr::unsynchronized_pool_resource();
    return *pool;
  }

  grpc_core::WorkSerializer* const serializer_;
  std::unique_ptr<ConnectivityStateWatcherInterface> watcher_;
};

class ReadyChannel::Control final : public core::FakeHelper {
 public:
  using EventEngine = grpc_event_engine::experimental::EventEngine;

  explicit Control(ReadyChannel* channel) : channel_(*channel) {}

  core::Subchannel MakeSubchannel(const core::Address&,
                                  const grpc_core::ChannelArgs&) override {
    return grpc_core::MakeRefCounted<Subchannel>(channel_.serializer_.get());
  }
  void Update(grpc_connectivity_state, const absl::Status&,
              core::PickerPtr picker) override {
    ++channel_.pickers_made_;
    channel_.picker_.swap(picker);
    if (channel_.leaks_pickers_) picker.release();
  }
  void RequestReresolution() override {}
  absl::string_view GetAuthority() override { return "channel.example"; }
  EventEngine* GetEventEngine() override { return channel_.engine_.get(); }
  void OnTrace(absl::string_view) override {}

 private:
  ReadyChannel& channel_;
};

ReadyChannel::ReadyChannel(absl::string_view config_json,
                           const grpc_core::ChannelArgs& args)
    : engine_(std::make_shared<Engine>()),
      serializer_(core::MakeSerializer(RealEngine())) {
  grpc_core::ExecCtx exec_ctx;
  driver_ = std::make_unique<PolicyDriver>(config_json, args, serializer_,
                                           std::make_unique<Control>(this));
  leaks_pickers_ = driver_->policy_name() == "ring_hash_experimental";
}

ReadyChannel::~ReadyChannel() {
  if (leaks_pickers_) {
    picker_.release();
    driver_->Leak();
    return;
  }
  grpc_core::ExecCtx exec_ctx;
  driver_ = nullptr;
  picker_ = nullptr;
  // What is left keeps the policy alive.
  while (engine_->RunNext()) {
  }
}

void ReadyChannel::Update(core::AddressList addresses) {
  grpc_core::ExecCtx exec_ctx;
  (void)driver_->Update(std::move(addresses));
  // The policy hears of its connections, and then publishes, in callbacks of
  // their own.
  for (int i = 0; i < 4; ++i) driver_->Flush();
}

void ReadyChannel::OpenRest() {
  grpc_core::ExecCtx exec_ctx;
  while (engine_->RunNext()) {
    for (int i = 0; i < 4; ++i) driver_->Flush();
    // The next part follows when this thread leaves core.
    grpc_core::ExecCtx::Get()->Flush();
  }
  // Timers pace the plans of a long list (PlanPace), and nothing tells of the
  // last one.
  size_t seen;
  do {
    seen = pickers_made_;
    absl::SleepFor(absl::Milliseconds(200));
    driver_->Flush();
  } while (pickers_made_ != seen);
}

}  // namespace multi_backend

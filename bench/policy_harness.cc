#include "multi_backend/bench/policy_harness.h"

#include <arpa/inet.h>
#include <grpc/support/log.h>
#include <netinet/in.h>

#include <cstring>
#include <utility>

#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/port/core_api.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::LoadBalancingPolicy;
using grpc_core::ServerAddress;
using grpc_core::ServerAddressList;
using grpc_core::SubchannelInterface;

// Blocks of one size, one after the other, for one thread.  Those given back
// are used again, the last one first.
class Slab {
 public:
  static Slab& Of() {
    static auto* slab = new Slab();
    return *slab;
  }
  void* Take(size_t size) {
    if (free_.empty()) {
      auto* chunk = static_cast<char*>(::operator new(kBlocks* size));
      for (size_t i = kBlocks; i > 0; --i) {
        free_.push_back(chunk + (i - 1) * size);
      }
    }
    void* memory = free_.back();
    free_.pop_back();
    return memory;
  }
  void Give(void* memory) { free_.push_back(memory); }

 private:
  static constexpr size_t kBlocks = 1024;
  std::vector<void*> free_;
};

// READY at once, for ever.  All lie close together in memory, whatever else a
// policy allocates between them: so a pick costs what the policy makes it cost,
// and not what the heap's layout does.
class ReadySubchannel final : public SubchannelInterface {
 public:
  static void* operator new(size_t size) { return Slab::Of().Take(size); }
  static void operator delete(void* memory) { Slab::Of().Give(memory); }

  explicit ReadySubchannel(grpc_core::WorkSerializer* work_serializer)
      : work_serializer_(work_serializer) {}

  void WatchConnectivityState(
      std::unique_ptr<ConnectivityStateWatcherInterface> watcher) override {
    watcher_ = std::move(watcher);
    Ref().release();
    work_serializer_->Run(
        [this]() {
          if (watcher_ != nullptr) {
            watcher_->OnConnectivityStateChange(GRPC_CHANNEL_READY,
                                                absl::OkStatus());
          }
          Unref();
        },
        DEBUG_LOCATION);
  }
  void CancelConnectivityStateWatch(
      ConnectivityStateWatcherInterface*) override {
    watcher_.reset();
  }
  void RequestConnection() override {}
  void ResetBackoff() override {}
  void AddDataWatcher(std::unique_ptr<DataWatcherInterface>) override {}

 private:
  grpc_core::WorkSerializer* const work_serializer_;
  std::unique_ptr<ConnectivityStateWatcherInterface> watcher_;
};

}  // namespace

class PolicyHarness::Control final
    : public LoadBalancingPolicy::ChannelControlHelper {
 public:
  explicit Control(PolicyHarness* harness) : harness_(harness) {}

  grpc_core::RefCountedPtr<SubchannelInterface> CreateSubchannel(
      ServerAddress, const ChannelArgs&) override {
    return grpc_core::MakeRefCounted<ReadySubchannel>(
        harness_->work_serializer_.get());
  }
  void UpdateState(
      grpc_connectivity_state, const absl::Status&,
      std::unique_ptr<LoadBalancingPolicy::SubchannelPicker> picker) override {
    ++harness_->pickers_made_;
    if (!harness_->keep_pickers_) harness_->pickers_.clear();
    harness_->pickers_.push_back(std::move(picker));
  }
  void RequestReresolution() override {}
  absl::string_view GetAuthority() override { return "bench"; }
  grpc_event_engine::experimental::EventEngine* GetEventEngine() override {
    return nullptr;
  }
  void AddTraceEvent(TraceSeverity, absl::string_view) override {}

 private:
  PolicyHarness* const harness_;
};

PolicyHarness::PolicyHarness(absl::string_view config_json,
                             const ChannelArgs& args)
    : args_(args),
      work_serializer_(std::make_shared<grpc_core::WorkSerializer>()) {
  auto json = grpc_core::Json::Parse(config_json);
  GPR_ASSERT(json.ok());
  const auto& registry =
      grpc_core::CoreConfiguration::Get().lb_policy_registry();
  auto config = registry.ParseLoadBalancingConfig(*json);
  if (!config.ok()) {
    gpr_log(GPR_ERROR, "%s", config.status().ToString().c_str());
  }
  GPR_ASSERT(config.ok());
  config_ = *std::move(config);
  grpc_core::ExecCtx exec_ctx;
  LoadBalancingPolicy::Args policy_args;
  policy_args.work_serializer = work_serializer_;
  policy_args.channel_control_helper = std::make_unique<Control>(this);
  policy_args.args = args_;
  policy_ = registry.CreateLoadBalancingPolicy(config_->name(),
                                               std::move(policy_args));
  GPR_ASSERT(policy_ != nullptr);
}

PolicyHarness::~PolicyHarness() {
  if (config_->name() == "ring_hash_experimental") {
    // Stock ring_hash crashes when a picker is destroyed, and its picks leave
    // work behind that needs the policy: both are left to the process's end.
    for (auto& picker : pickers_) picker.release();
    policy_.release();
    new std::shared_ptr<grpc_core::WorkSerializer>(work_serializer_);
    return;
  }
  grpc_core::ExecCtx exec_ctx;
  work_serializer_->Run([this]() { policy_.reset(); }, DEBUG_LOCATION);
  pickers_.clear();
}

ServerAddressList PolicyHarness::Addresses(size_t count, size_t first) {
  ServerAddressList list;
  list.reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    grpc_resolved_address address;
    memset(&address, 0, sizeof(address));
    auto* in = reinterpret_cast<sockaddr_in*>(address.addr);
    in->sin_family = AF_INET;
    in->sin_port = htons(50051);
    in->sin_addr.s_addr = htonl(0x0A000000u + static_cast<uint32_t>(i));
    address.len = sizeof(sockaddr_in);
    list.emplace_back(address, ChannelArgs());
  }
  return list;
}

void PolicyHarness::Update(ServerAddressList addresses) {
  grpc_core::ExecCtx exec_ctx;
  work_serializer_->Run(
      [this, &addresses]() {
        LoadBalancingPolicy::UpdateArgs args;
        args.addresses = std::move(addresses);
        args.config = config_;
        args.args = args_;
        (void)policy_->UpdateLocked(std::move(args));
      },
      DEBUG_LOCATION);
}

void PolicyHarness::DropOldPickers() {
  if (pickers_.size() > 1) {
    pickers_.erase(pickers_.begin(), pickers_.end() - 1);
  }
}

struct PickCalls::State {
  grpc_core::MemoryAllocator allocator = grpc_core::ResourceQuota::Default()
                                             ->memory_quota()
                                             ->CreateMemoryAllocator("bench");
  size_t batch = 0;
  grpc_core::Arena* arena = nullptr;
  grpc_call_context_element context[GRPC_CONTEXT_COUNT] = {};
  std::vector<std::string> hash_texts;
  std::vector<std::unique_ptr<grpc_core::ServiceConfigCallData>> call_data;
  grpc_core::ClientChannel::LoadBalancedCall* call = nullptr;
  std::unique_ptr<grpc_core::ClientChannel::LoadBalancedCall::LbCallState>
      call_state;

  void Drop() {
    call_state.reset();
    call_data.clear();
    if (call != nullptr) call->~LoadBalancedCall();
    call = nullptr;
    if (arena != nullptr) arena->Destroy();
    arena = nullptr;
  }
};

PickCalls::PickCalls(size_t batch) : state_(std::make_unique<State>()) {
  state_->batch = batch;
}

PickCalls::~PickCalls() {
  grpc_core::ExecCtx exec_ctx;
  state_->Drop();
}

void PickCalls::Renew(Attributes attributes,
                      const std::vector<uint64_t>& keys) {
  State& s = *state_;
  s.Drop();
  s.arena = grpc_core::Arena::Create(s.batch * 1024, &s.allocator);
  const grpc_slice path =
      grpc_slice_from_static_string("/bench.Service/Method");
  const grpc_call_element_args element_args = {
      nullptr, nullptr, s.context, path, 0, grpc_core::Timestamp::InfFuture(),
      s.arena, nullptr};
  s.call = s.arena->New<grpc_core::ClientChannel::LoadBalancedCall>(
      nullptr, element_args, nullptr, nullptr, nullptr, false);
  s.call_state =
      std::make_unique<grpc_core::ClientChannel::LoadBalancedCall::LbCallState>(
          s.call);
  s.hash_texts.assign(s.batch, "");
  s.call_data.reserve(s.batch);
  for (size_t i = 0; i < s.batch; ++i) {
    grpc_core::ServiceConfigCallData::CallAttributes call_attributes;
    const uint64_t key = keys.empty() ? 0 : keys[i % keys.size()];
    if (attributes == Attributes::kRingHash) {
      s.hash_texts[i] = std::to_string(key);
      call_attributes.emplace(grpc_core::RequestHashAttributeName(),
                              s.hash_texts[i]);
    }
    if (attributes == Attributes::kContext) {
      auto* context = s.arena->New<CallContext>(s.arena, nullptr);
      if (!keys.empty()) context->label.key_hash = key;
      call_attributes.emplace(CallContext::Type(), context->AsAttribute());
    }
    s.call_data.push_back(std::make_unique<grpc_core::ServiceConfigCallData>(
        nullptr, nullptr, std::move(call_attributes)));
  }
  args_.path = "/bench.Service/Method";
  args_.initial_metadata = nullptr;
  args_.call_state = s.call_state.get();
}

void PickCalls::Select(size_t i) {
  state_->context[GRPC_CONTEXT_SERVICE_CONFIG_CALL_DATA].value =
      state_->call_data[i].get();
}

}  // namespace multi_backend

#include "multi_backend/bench/pick_calls.h"

#include <string>
#include <utility>

#include "multi_backend/call/grpc/call_context.h"

namespace multi_backend {

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
      call_attributes.emplace(CallContext::Type(), context->AsValue());
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

#include "multi_backend/resolver/grpc/config_selector.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/filters/answer_filter.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/interceptors/request_metadata.h"
#include "multi_backend/observability/trail/trail_slot.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {
namespace {

// Core lets a config selector fail with few codes only (gRFC A54).
absl::Status Refusal(absl::string_view key) {
  return absl::InternalError(CheckMetadataEntry(key, "").message());
}

// Removes the label from `metadata`.  nullopt when there is none.  The error is
// for a value that no interceptor of this process has written.
absl::StatusOr<absl::optional<CallLabel>> TakeLabel(
    grpc_metadata_batch* metadata, grpc_core::Arena* arena) {
  std::string buffer;
  const absl::optional<absl::string_view> value =
      metadata->GetStringValue(kCallLabelKey, &buffer);
  if (!value.has_value()) return absl::optional<CallLabel>();
  // The label's views must outlive the metadata they are taken from.
  auto* copy = static_cast<char*>(arena->Alloc(value->size()));
  memcpy(copy, value->data(), value->size());
  metadata->Remove(kCallLabelKey);
  const auto label = DecodeCallLabel(absl::string_view(copy, value->size()));
  if (label.has_value()) return label;
  return Refusal(kCallLabelKey);
}

class SlotReader final : public CallRecord::TrailReader {
 public:
  explicit SlotReader(std::shared_ptr<TrailSlot> slot)
      : slot_(std::move(slot)) {}
  void OnCallEnded(const CallEnded& call) override {
    slot_->Finish(CallTrail::Of(call));
  }

 private:
  const std::shared_ptr<TrailSlot> slot_;
};

// Null when the application's AttemptTrail is gone, or when the call has two.
std::shared_ptr<CallRecord::TrailReader> TakeSlot(const TrailIds& trails) {
  std::shared_ptr<TrailSlot> slot = TrailSlots::Get().Find(trails.first);
  if (trails.second != 0) {
    const std::shared_ptr<TrailSlot> second =
        TrailSlots::Get().Find(trails.second);
    // One that was destroyed before the call does not count.
    if (slot == nullptr) {
      slot = second;
    } else if (second != nullptr) {
      const absl::Status error = absl::FailedPreconditionError(
          "AttemptTrail: the context has two trails: make one for each call");
      slot->Fail(error);
      second->Fail(error);
      return nullptr;
    }
  }
  if (slot == nullptr || !slot->Take()) return nullptr;
  return std::make_shared<SlotReader>(std::move(slot));
}

CallRecord* MakeRecord(const CallContext& context, CallObserver* observer,
                       const CallRouting::Decision& decision,
                       const grpc_core::ConfigSelector::GetCallConfigArgs& args,
                       const TrailIds& trails) {
  CallRecord::Call call;
  call.observer = observer;
  if (decision.route != nullptr) call.route = &decision.route->name;
  call.role = context.label.role;
  call.method = context.method;
  const auto* wait_for_ready =
      args.initial_metadata->get_pointer(grpc_core::WaitForReady());
  call.wait_for_ready = wait_for_ready != nullptr && wait_for_ready->value;
  if (trails.first != 0) call.reader = TakeSlot(trails);
  // The arena destroys it, as its attempts, after the call's filters.
  auto* const record = args.arena->ManagedNew<CallRecord>(
      std::move(call), SteadyClock::Get().NowNanos());
  if (decision.route != nullptr) decision.route->Count(record->method());
  return record;
}

}  // namespace

absl::Status RouteConfigSelector::CheckMetadata(const GetCallConfigArgs& args) {
  // Before TransportSize(), which aborts on it, as core's retry filter does.
  if (args.initial_metadata->get_pointer(
          grpc_core::GrpcLbClientStatsMetadata()) != nullptr) {
    return Refusal(kCoreOwnKey);
  }
  const size_t size = args.initial_metadata->TransportSize();
  if (max_request_metadata_ != 0) {
    return CheckMetadataSize(size, max_request_metadata_);
  }
  if (reported_metadata_ || CheckMetadataSize(size, kUsualMetadataLimit).ok()) {
    return absl::OkStatus();
  }
  reported_metadata_ = true;
  Log(LogSeverity::kWarning,
      absl::StrCat("a call of ", grpc_core::StringViewFromSlice(*args.path),
                   " has ", size + kMetadataOfGrpc,
                   " bytes of metadata; servers of gRPC accept ",
                   kUsualMetadataLimit,
                   " unless they say otherwise, and may end the whole "
                   "connection with its other calls: maxRequestMetadata "
                   "refuses such calls"));
  return absl::OkStatus();
}

bool RouteConfigSelector::Equals(const grpc_core::ConfigSelector* other) const {
  return service_config_->json_string() ==
         static_cast<const RouteConfigSelector*>(other)
             ->service_config_->json_string();
}

std::vector<const grpc_channel_filter*> RouteConfigSelector::GetFilters() {
  return {&kAnswerFilter};
}

grpc_core::ChannelArgs RouteConfigSelector::ModifyChannelArgs(
    const grpc_core::ChannelArgs& args) {
  constexpr char kBuffer[] = GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE;
  return args.Set(kBuffer, retry_buffer_.value_or(args.GetInt(kBuffer).value_or(
                               kDefaultRetryBuffer)));
}

grpc_core::ConfigSelector::CallConfig RouteConfigSelector::GetCallConfig(
    GetCallConfigArgs args) {
  CallConfig config;
  auto* context = args.arena->New<CallContext>(args.arena, retry_state_);
  // The slice lives as long as the call.
  context->method = grpc_core::StringViewFromSlice(*args.path);
  const auto label = TakeLabel(args.initial_metadata, args.arena);
  // The label is not sent, so it does not count.
  config.status = label.ok() ? CheckMetadata(args) : label.status();
  if (!config.status.ok()) return config;
  const CallRouting::Decision decision =
      routing_->Decide(context->method, *args.initial_metadata, *label);
  context->label = decision.label;
  CallObserver* const observer = retry_state_->observer();
  const uint64_t trail = label->has_value() ? (*label)->trails.first : 0;
  if (observer != nullptr || trail != 0) {
    context->record = MakeRecord(*context, observer, decision, args,
                                 trail == 0 ? TrailIds() : (*label)->trails);
  }
  context->deadline =
      args.initial_metadata->get(grpc_core::GrpcTimeoutMetadata())
          .value_or(grpc_core::Timestamp::InfFuture());
  config.method_configs =
      service_config_->GetMethodParsedConfigVector(*args.path);
  context->has_method_retry_policy =
      !own_retry_.empty() && own_retry_.contains(config.method_configs);
  if (context->label.retry == RetryMode::kNever && never_ != nullptr) {
    config.method_configs = never_->GetMethodParsedConfigVector(*args.path);
  }
  config.service_config = service_config_;
  config.call_attributes.emplace(CallContext::Type(), context->AsAttribute());
  config.call_dispatch_controller = context;
  return config;
}

}  // namespace multi_backend

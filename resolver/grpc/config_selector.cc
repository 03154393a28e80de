#include "multi_backend/resolver/grpc/config_selector.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/filters/answer_filter.h"
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

// What the config selector has to know of a call's metadata, from one pass over
// it.  To look the label or the sticky key up would cost more than all the
// rest, because core compares a key with the name of each entry that it knows.
class MetadataScan {
 public:
  // `sticky_header` is as CallRouting has it.
  MetadataScan(const grpc_metadata_batch& metadata,
               absl::string_view sticky_header)
      : sticky_header_(sticky_header) {
    metadata.Encode(this);
  }

  // The value of the label's entry; null when there is none.
  const grpc_core::Slice* label() const { return label_; }
  bool has_second_label() const { return has_second_label_; }
  // The only entry of the sticky header.  Null when there is none or more than
  // one, and for a header that core knows.
  const grpc_core::Slice* sticky_key() const {
    return sticky_entries_ == 1 ? sticky_key_ : nullptr;
  }
  bool has_core_own_key() const { return has_core_own_key_; }
  // As CheckMetadataSize() takes it.  The label is not sent, so it does not
  // count.
  size_t size() const { return size_.size(); }

  // For grpc_metadata_batch::Encode().
  void Encode(const grpc_core::Slice& key, const grpc_core::Slice& value) {
    if (key.as_string_view() == kCallLabelKey) {
      has_second_label_ = label_ != nullptr;
      label_ = &value;
      return;
    }
    size_.Encode(key, value);
    if (key.as_string_view() == sticky_header_) {
      ++sticky_entries_;
      sticky_key_ = &value;
    }
  }
  template <typename Which>
  void Encode(Which, const typename Which::ValueType& value) {
    size_.Encode(Which(), value);
  }
  // Core aborts when it is asked for the size of this one.
  void Encode(grpc_core::GrpcLbClientStatsMetadata,
              grpc_core::GrpcLbClientStats* const&) {
    has_core_own_key_ = true;
  }

 private:
  grpc_core::metadata_detail::TransportSizeEncoder size_;
  const grpc_core::Slice* label_ = nullptr;
  bool has_second_label_ = false;
  const absl::string_view sticky_header_;
  const grpc_core::Slice* sticky_key_ = nullptr;
  size_t sticky_entries_ = 0;
  bool has_core_own_key_ = false;
};

// Removes the label, which `scan` has found, from `metadata`.  nullopt for a
// value that no interceptor of this process has written.
absl::optional<CallLabel> TakeLabel(const MetadataScan& scan,
                                    grpc_metadata_batch* metadata,
                                    grpc_core::Arena* arena) {
  // The label's views must outlive the metadata they are taken from.
  absl::string_view value = scan.label()->as_string_view();
  // The application may have added one, too: that of its AttemptTrail.
  std::string joined;
  if (scan.has_second_label()) {
    value = metadata->GetStringValue(kCallLabelKey, &joined).value_or(value);
  }
  auto* copy = static_cast<char*>(arena->Alloc(value.size()));
  memcpy(copy, value.data(), value.size());
  metadata->Remove(kCallLabelKey);
  return DecodeCallLabel(absl::string_view(copy, value.size()));
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
                       const core::SelectedCall& selected,
                       const TrailIds& trails) {
  CallRecord::Call call;
  call.observer = observer;
  if (decision.route != nullptr) call.route = &decision.route->name;
  call.role = context.label.role;
  if (decision.method_hash != 0) {
    call.method.text = context.method;
    call.method.hash = decision.method_hash;
  } else {
    call.method = Label(context.method);
  }
  const auto* wait_for_ready =
      selected.metadata().get_pointer(grpc_core::WaitForReady());
  call.wait_for_ready = wait_for_ready != nullptr && wait_for_ready->value;
  if (trails.first != 0) call.reader = TakeSlot(trails);
  // The arena destroys it after the call's filters.
  auto* const record =
      selected.arena()->ManagedNew<CallRecord>(std::move(call));
  if (decision.route != nullptr) decision.route->Count(record->method());
  return record;
}

}  // namespace

absl::Status RouteConfigSelector::OnMuchMetadata(absl::string_view method,
                                                 size_t size) {
  if (max_request_metadata_ != 0) {
    return CheckMetadataSize(size, max_request_metadata_);
  }
  if (reported_metadata_) return absl::OkStatus();
  reported_metadata_ = true;
  Log(LogSeverity::kWarning,
      absl::StrCat("a call of ", method, " has ", size + kMetadataOfGrpc,
                   " bytes of metadata; servers of gRPC accept ",
                   kUsualMetadataLimit,
                   " unless they say otherwise, and may end the whole "
                   "connection with its other calls: maxRequestMetadata "
                   "refuses such calls"));
  return absl::OkStatus();
}

bool RouteConfigSelector::SelectsAs(const SelectorBase& other) const {
  return service_config_->json_string() ==
         static_cast<const RouteConfigSelector&>(other)
             .service_config_->json_string();
}

void RouteConfigSelector::AddFiltersAboveRetries(core::FilterList& filters) {
  filters.Add<&kAnswerFilter>();
}

grpc_core::ChannelArgs RouteConfigSelector::RetryFilterArgs(
    const grpc_core::ChannelArgs& args) {
  constexpr char kBuffer[] = GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE;
  return args.Set(kBuffer, retry_buffer_.value_or(args.GetInt(kBuffer).value_or(
                               kDefaultRetryBuffer)));
}

void RouteConfigSelector::Select(core::SelectedCall& call) {
  grpc_metadata_batch& metadata = call.metadata();
  auto* context = call.arena()->New<CallContext>(call.arena(), retry_state_);
  context->method = call.path();
  const MetadataScan scan(metadata, routing_->sticky_header());
  absl::Status refusal;
  absl::optional<CallLabel> label;
  if (scan.label() != nullptr) {
    label = TakeLabel(scan, &metadata, call.arena());
    if (!label.has_value()) refusal = Refusal(kCallLabelKey);
  }
  // Core's retry filter, too, would abort on it.
  if (scan.has_core_own_key()) refusal = Refusal(kCoreOwnKey);
  if (refusal.ok() &&
      !IsWithinMetadataLimit(scan.size(), max_request_metadata_ != 0
                                              ? max_request_metadata_
                                              : kUsualMetadataLimit)) {
    refusal = OnMuchMetadata(context->method, scan.size());
  }
  if (!refusal.ok()) return call.Refuse(std::move(refusal));
  // The other entries have moved if a label has been taken off.
  const grpc_core::Slice* const sticky_key =
      scan.label() == nullptr ? scan.sticky_key() : nullptr;
  const CallRouting::Decision decision =
      routing_->Decide(context->method, metadata, label, sticky_key);
  context->label = decision.label;
  CallObserver* const observer = retry_state_->observer();
  const TrailIds trails = label.has_value() ? label->trails : TrailIds();
  if (observer != nullptr || trails.first != 0) {
    context->record = MakeRecord(*context, observer, decision, call, trails);
  }
  context->deadline = metadata.get(grpc_core::GrpcTimeoutMetadata())
                          .value_or(grpc_core::Timestamp::InfFuture());
  const core::MethodConfigs* methods =
      core::MethodConfigsOf(*service_config_, call.path());
  context->has_method_retry_policy =
      !own_retry_.empty() && own_retry_.contains(methods);
  if (context->label.retry == RetryMode::kNever && never_ != nullptr) {
    methods = core::MethodConfigsOf(*never_, call.path());
  }
  call.SetConfig(service_config_, methods);
  call.Attach(context);
}

}  // namespace multi_backend

#include "multi_backend/call/grpc/filters/call_end_filter.h"

#include <memory>
#include <utility>

#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/channel_observer.h"
#include "multi_backend/call/grpc/filters/call_status.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/port/call_filter.h"
#include "multi_backend/port/core_builder.h"

namespace multi_backend {
namespace {

int64_t Now() { return SteadyClock::Get().NowNanos(); }

// What all calls of one channel share.
struct ObservedChannel {
  explicit ObservedChannel(const grpc_core::ChannelArgs& args)
      : observer(MakeChannelObserver(args)) {}

  const std::unique_ptr<const CallObserver> observer;
};

// The element of one call.  Everything runs in the call's combiner.
class CallEndElement {
 public:
  CallEndElement(const grpc_call_element_args& args,
                 const ObservedChannel& channel)
      : observer_(*channel.observer), deadline_(args.deadline) {
    watched_.start_nanos = Now();
    core::CallSlot<WatchedCall>::Set(args, &watched_);
  }

  // The application has dropped the call before its end, or without asking for
  // it.
  ~CallEndElement() {
    if (started_ && !told_) Tell({absl::StatusCode::kCancelled, ""});
  }

  void Watch(grpc_transport_stream_op_batch& batch) {
    if (batch.send_initial_metadata) {
      started_ = true;
      const grpc_core::Slice* const path =
          batch.payload->send_initial_metadata.send_initial_metadata
              ->get_pointer(grpc_core::HttpPathMetadata());
      if (path != nullptr) path_ = path->Ref();
    }
    if (!batch.recv_trailing_metadata) return;
    auto& payload = batch.payload->recv_trailing_metadata;
    trailers_ = payload.recv_trailing_metadata;
    end_.Wrap(this, OnEnd, &payload.recv_trailing_metadata_ready);
  }

 private:
  static void OnEnd(void* arg, grpc_error_handle error) {
    const auto& hook = *static_cast<ClosureHook<CallEndElement>*>(arg);
    CallEndElement& self = hook.element();
    self.Tell(CallStatus::Of(error, self.trailers_, self.deadline_));
    hook.Pass(std::move(error));
  }

  void Tell(const CallStatus& status) {
    told_ = true;
    const int64_t now = Now();
    if (watched_.record != nullptr) {
      watched_.record->OnCallEnded(status.code, status.message, now);
    } else {
      CallRecord::ReportUnrouted(observer_, path_.as_string_view(), status.code,
                                 status.message, watched_.start_nanos, now);
    }
  }

  const CallObserver& observer_;
  const grpc_core::Timestamp deadline_;
  grpc_core::Slice path_;
  WatchedCall watched_;
  bool started_ = false;
  bool told_ = false;
  ClosureHook<CallEndElement> end_;
  grpc_metadata_batch* trailers_ = nullptr;
};

const grpc_channel_filter kCallEndFilter =
    CallFilter<CallEndElement, ObservedChannel>("multi_backend_call_end");

}  // namespace

void RegisterCallEndFilter(CoreBuilder& builder) {
  // At the top, so that nothing ends a call above it.
  core::RegisterFilter(*builder.builder, GRPC_CLIENT_CHANNEL,
                       core::FilterPlace::kTop, &kCallEndFilter,
                       [](const grpc_core::ChannelArgs& args) {
                         return !SinksOf(args).empty();
                       });
}

}  // namespace multi_backend

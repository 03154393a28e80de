#include "multi_backend/call/grpc/filters/call_end_filter.h"

#include <climits>
#include <memory>
#include <new>
#include <utility>

#include "multi_backend/call/grpc/channel_extension.h"
#include "multi_backend/call/grpc/channel_observer.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/port/call_slot.h"
#include "multi_backend/port/core_builder.h"

namespace multi_backend {
namespace {

int64_t Now() { return SteadyClock::Get().NowNanos(); }

using Observer = std::unique_ptr<CallObserver>;

// The element of one call.  Everything runs in the call's combiner.
class CallEndElement {
 public:
  CallEndElement(const grpc_call_element_args& args,
                 const CallObserver& observer)
      : observer_(observer),
        deadline_(args.deadline),
        path_(grpc_core::CSliceRef(args.path)) {
    watched_.start_nanos = Now();
    CallSlot<WatchedCall>::Set(args.context, &watched_);
  }

  // The application has dropped the call before its end, or without asking for
  // it.
  ~CallEndElement() {
    if (started_ && !told_) Tell({absl::StatusCode::kCancelled, ""});
    grpc_core::CSliceUnref(path_);
  }

  void Watch(grpc_transport_stream_op_batch& batch) {
    started_ |= batch.send_initial_metadata;
    if (!batch.recv_trailing_metadata) return;
    auto& payload = batch.payload->recv_trailing_metadata;
    trailers_ = payload.recv_trailing_metadata;
    original_ = payload.recv_trailing_metadata_ready;
    payload.recv_trailing_metadata_ready =
        GRPC_CLOSURE_INIT(&closure_, OnEnd, this, nullptr);
  }

 private:
  static void OnEnd(void* arg, grpc_error_handle error) {
    auto* const self = static_cast<CallEndElement*>(arg);
    self->Tell(CallStatus::Of(error, self->trailers_, self->deadline_));
    grpc_core::Closure::Run(DEBUG_LOCATION, self->original_, std::move(error));
  }

  void Tell(const CallStatus& status) {
    told_ = true;
    const int64_t now = Now();
    if (watched_.record != nullptr) {
      watched_.record->OnCallEnded(status.code, status.message, now);
    } else {
      CallRecord::ReportUnrouted(
          observer_, grpc_core::StringViewFromSlice(path_), status.code,
          status.message, watched_.start_nanos, now);
    }
  }

  const CallObserver& observer_;
  const grpc_core::Timestamp deadline_;
  const grpc_slice path_;
  WatchedCall watched_;
  bool started_ = false;
  bool told_ = false;
  grpc_closure closure_;
  grpc_closure* original_ = nullptr;
  grpc_metadata_batch* trailers_ = nullptr;
};

CallEndElement& ElementOf(grpc_call_element* element) {
  return *static_cast<CallEndElement*>(element->call_data);
}

Observer& ObserverOf(void* channel_data) {
  return *static_cast<Observer*>(channel_data);
}

const grpc_channel_filter kCallEndFilter = {
    [](grpc_call_element* element, grpc_transport_stream_op_batch* batch) {
      ElementOf(element).Watch(*batch);
      grpc_call_next_op(element, batch);
    },
    /*make_call_promise=*/nullptr,
    grpc_channel_next_op,
    sizeof(CallEndElement),
    [](grpc_call_element* element, const grpc_call_element_args* args) {
      new (element->call_data)
          CallEndElement(*args, *ObserverOf(element->channel_data));
      return absl::OkStatus();
    },
    grpc_call_stack_ignore_set_pollset_or_pollset_set,
    [](grpc_call_element* element, const grpc_call_final_info*, grpc_closure*) {
      ElementOf(element).~CallEndElement();
    },
    sizeof(Observer),
    [](grpc_channel_element* element, grpc_channel_element_args* args) {
      new (element->channel_data) Observer(MakeChannelObserver(
          grpc_core::ChannelArgs::FromC(args->channel_args)));
      return absl::OkStatus();
    },
    grpc_channel_stack_no_post_init,
    [](grpc_channel_element* element) {
      ObserverOf(element->channel_data).~Observer();
    },
    grpc_channel_next_get_info,
    "multi_backend_call_end"};

}  // namespace

CallStatus CallStatus::Of(const grpc_error_handle& error,
                          const grpc_metadata_batch* trailers,
                          grpc_core::Timestamp deadline) {
  CallStatus status;
  grpc_status_code code = GRPC_STATUS_UNKNOWN;
  if (!error.ok()) {
    grpc_error_get_status(error, deadline, &code, &status.message,
                          /*http_error=*/nullptr, /*error_string=*/nullptr);
  } else {
    code = trailers->get(grpc_core::GrpcStatusMetadata())
               .value_or(GRPC_STATUS_UNKNOWN);
    const grpc_core::Slice* const message =
        code == GRPC_STATUS_OK
            ? nullptr
            : trailers->get_pointer(grpc_core::GrpcMessageMetadata());
    if (message != nullptr) {
      status.message = std::string(message->as_string_view());
    }
  }
  // As absl::Status has it: a code that gRPC does not know is UNKNOWN.
  status.code = absl::Status(static_cast<absl::StatusCode>(code), "").code();
  return status;
}

void RegisterCallEndFilter(CoreBuilder& builder) {
  // After all others, so that it is at the top.
  builder.builder->channel_init()->RegisterStage(
      GRPC_CLIENT_CHANNEL, INT_MAX, [](grpc_core::ChannelStackBuilder* stack) {
        if (!SinksOf(stack->channel_args()).empty()) {
          stack->PrependFilter(&kCallEndFilter);
        }
        return true;
      });
}

}  // namespace multi_backend

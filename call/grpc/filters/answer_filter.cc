#include "multi_backend/call/grpc/filters/answer_filter.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/filters/call_end_filter.h"
#include "multi_backend/call/grpc/filters/call_status.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/port/call_filter.h"

namespace multi_backend {
namespace {

// The element of one call.  Everything runs in the call's combiner.
class AnswerElement {
 public:
  explicit AnswerElement(const grpc_call_element_args& args)
      : context_(CallContext::Of(args)), deadline_(args.deadline) {
    if (context_ != nullptr && context_->record != nullptr) Observe(args);
  }

  // The application may have dropped the call without asking for its end.
  ~AnswerElement() {
    if (record_ != nullptr) {
      record_->OnCallEnded(absl::StatusCode::kCancelled, "", Now());
    }
  }

  void Watch(grpc_transport_stream_op_batch& batch) {
    if (context_ == nullptr) return;
    NoteShape(batch);
    if (!batch.recv_trailing_metadata) return;
    auto& payload = batch.payload->recv_trailing_metadata;
    trailers_ = payload.recv_trailing_metadata;
    end_.Wrap(this, OnEnd, &payload.recv_trailing_metadata_ready);
  }

 private:
  static int64_t Now() { return SteadyClock::Get().NowNanos(); }

  void Observe(const grpc_call_element_args& args) {
    WatchedCall* const watched = core::CallSlot<WatchedCall>::Get(args);
    if (watched == nullptr) {
      record_ = context_->record;
      record_->SetStart(Now());
      return;
    }
    watched->record = context_->record;
    watched->record->SetStart(watched->start_nanos);
  }

  // The application asks for the whole request of a unary call together with
  // its beginning, and for the response together with the status.  The messages
  // of a stream come one by one.
  void NoteShape(const grpc_transport_stream_op_batch& batch) {
    if (batch.send_initial_metadata) {
      one_request_ = batch.send_message && batch.send_trailing_metadata;
    }
    if (batch.recv_trailing_metadata) one_response_ = batch.recv_message;
    context_->is_streaming = !one_request_ || !one_response_;
  }

  static void OnEnd(void* arg, grpc_error_handle error) {
    const auto& hook = *static_cast<ClosureHook<AnswerElement>*>(arg);
    AnswerElement& self = hook.element();
    if (self.Replace(error)) error = absl::OkStatus();
    if (self.record_ != nullptr) self.TellEnd(error);
    hook.Pass(std::move(error));
  }

  void TellEnd(const grpc_error_handle& error) {
    const CallStatus status = CallStatus::Of(error, trailers_, deadline_);
    record_->OnCallEnded(status.code, status.message, Now());
  }

  // Whether the status is now in the trailing metadata.
  bool Replace(const grpc_error_handle& error) {
    if (!error.ok() && context_->answer != nullptr) {
      *trailers_ = context_->answer->Copy();
      return true;
    }
    if (!IsTryTimeout(error)) return false;
    trailers_->Set(grpc_core::GrpcStatusMetadata(),
                   GRPC_STATUS_DEADLINE_EXCEEDED);
    trailers_->Set(grpc_core::GrpcMessageMetadata(),
                   grpc_core::Slice::FromStaticString(kTryTimeoutMessage));
    return true;
  }

  bool IsTryTimeout(const grpc_error_handle& error) const {
    if (!error.ok()) {
      const CallStatus status = CallStatus::Of(error, trailers_, deadline_);
      return status.code == absl::StatusCode::kCancelled &&
             absl::StrContains(status.message, kCoreTryTimeoutMessage);
    }
    if (trailers_->get(grpc_core::GrpcStatusMetadata()) !=
        GRPC_STATUS_CANCELLED) {
      return false;
    }
    // A server may send any text.
    if (trailers_->get(grpc_core::GrpcStatusFromWire()).value_or(false)) {
      return false;
    }
    const grpc_core::Slice* const message =
        trailers_->get_pointer(grpc_core::GrpcMessageMetadata());
    return message != nullptr &&
           absl::StrContains(message->as_string_view(), kCoreTryTimeoutMessage);
  }

  CallContext* const context_;  // Null for a call without one.
  // Of a call that the call-end filter does not watch; else null.
  CallRecord* record_ = nullptr;
  const grpc_core::Timestamp deadline_;
  bool one_request_ = false;
  bool one_response_ = false;
  ClosureHook<AnswerElement> end_;
  grpc_metadata_batch* trailers_ = nullptr;
};

}  // namespace

const grpc_channel_filter kAnswerFilter =
    CallFilter<AnswerElement>("multi_backend_answer");

}  // namespace multi_backend

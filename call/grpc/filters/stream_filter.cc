#include "multi_backend/call/grpc/filters/stream_filter.h"

#include <utility>

#include "absl/strings/match.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/call/grpc/filters/call_status.h"
#include "multi_backend/call/try_timeout_message.h"
#include "multi_backend/port/call_filter.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/core_builder.h"

namespace multi_backend {
namespace {

// The element of one attempt.  Everything runs in the call's combiner.
class StreamElement {
 public:
  explicit StreamElement(const grpc_call_element_args& args)
      : deadline_(args.deadline) {
    CallContext* const context = CallContext::Of(args);
    if (context == nullptr) return;
    AttemptPart* const attempt =
        context->attempt.load(std::memory_order_acquire);
    if (attempt == nullptr) return;
    record_ = attempt->OnSent();
    record_->report.watched = true;
  }

  void Watch(grpc_transport_stream_op_batch& batch) {
    if (record_ == nullptr) {
      // No config selector has taken off what may ask for a trail.
      if (batch.send_initial_metadata) {
        batch.payload->send_initial_metadata.send_initial_metadata->Remove(
            kCallLabelKey);
      }
      return;
    }
    if (batch.cancel_stream) {
      OnCancel(batch.payload->cancel_stream.cancel_error);
      return;
    }
    if (batch.on_complete != nullptr) {
      sends_[SendIndex(batch)].Wrap(this, &OnDone, &batch.on_complete);
    }
    if (batch.recv_initial_metadata) {
      headers_.Wrap(
          this, &OnDone,
          &batch.payload->recv_initial_metadata.recv_initial_metadata_ready);
    }
    if (batch.recv_trailing_metadata) {
      auto& payload = batch.payload->recv_trailing_metadata;
      trailers_ = payload.recv_trailing_metadata;
      stats_ = payload.collect_stats;
      end_.Wrap(this, &OnEnd, &payload.recv_trailing_metadata_ready);
    }
  }

 private:
  using Hook = ClosureHook<StreamElement>;

  // At most one batch with each of the three send operations is under way.
  static size_t SendIndex(const grpc_transport_stream_op_batch& batch) {
    return batch.send_initial_metadata ? 0 : batch.send_message ? 1 : 2;
  }

  // When an operation fails in the transport, the filters above cancel the
  // stream.  That cancellation is only the echo of the failure.
  void OnCancel(const grpc_error_handle& error) {
    StreamReport& report = record_->report;
    if (failed_ || report.ended_with.has_value()) return;
    report.cancelled = true;
    report.timed_out =
        absl::StrContains(error.message(), kCoreTryTimeoutMessage);
  }

  static void OnDone(void* arg, grpc_error_handle error) {
    const Hook& hook = *static_cast<Hook*>(arg);
    StreamElement& element = hook.element();
    if (!error.ok()) {
      element.failed_ = true;
    } else if (&hook == &element.sends_[0]) {
      // Core may never ask for the end of an attempt that it has given up, so
      // the record of its headers cannot wait until then.
      element.record_->report.sent = true;
    }
    hook.Pass(std::move(error));
  }

  static void OnEnd(void* arg, grpc_error_handle error) {
    const Hook& hook = *static_cast<Hook*>(arg);
    hook.element().Record(error);
    hook.Pass(std::move(error));
  }

  static StreamReport::Reached Reached(
      absl::optional<grpc_core::GrpcStreamNetworkState::ValueType> state) {
    if (!state.has_value()) return StreamReport::Reached::kMaybe;
    return *state == grpc_core::GrpcStreamNetworkState::kNotSentOnWire
               ? StreamReport::Reached::kNotWritten
               : StreamReport::Reached::kNotSeen;
  }

  void Record(const grpc_error_handle& error) {
    grpc_status_code code = GRPC_STATUS_UNKNOWN;
    StreamReport& report = record_->report;
    if (!error.ok()) {
      grpc_error_get_status(error, deadline_, &code, /*message=*/nullptr,
                            /*http_error=*/nullptr, /*error_string=*/nullptr);
    } else {
      code = trailers_->get(grpc_core::GrpcStatusMetadata())
                 .value_or(GRPC_STATUS_UNKNOWN);
      report.from_server =
          trailers_->get(grpc_core::GrpcStatusFromWire()).value_or(false);
    }
    report.ended_with = KnownCode(code);
    report.reached =
        Reached(trailers_->get(grpc_core::GrpcStreamNetworkState()));
    if (stats_ != nullptr) {
      report.sent |= stats_->outgoing.header_bytes > 0;
      report.got_message = stats_->incoming.data_bytes > 0;
    }
    if (report.from_server) record_->trailers = trailers_;
  }

  const grpc_core::Timestamp deadline_;
  StreamRecord* record_ = nullptr;  // In the call's arena; null: not watched.
  bool failed_ = false;             // An operation failed in the transport.
  Hook sends_[3];
  Hook headers_;
  Hook end_;
  grpc_metadata_batch* trailers_ = nullptr;
  grpc_transport_stream_stats* stats_ = nullptr;
};

const grpc_channel_filter kStreamFilter =
    CallFilter<StreamElement>("multi_backend_stream");

}  // namespace

bool HasStreamFilter(const grpc_core::ChannelArgs& args) {
  return args.GetInt(kStreamFilterArg).value_or(0) != 0;
}

void RegisterStreamFilter(CoreBuilder& builder) {
  // HTTP turns a response that is not gRPC's into a status, for which the
  // backend is responsible.
  core::RegisterFilter(*builder.builder, GRPC_CLIENT_SUBCHANNEL,
                       core::FilterPlace::kAboveHttp, &kStreamFilter,
                       HasStreamFilter);
}

}  // namespace multi_backend

// EtcdStream: one bidirectional stream to an etcd server, with one operation at
// a time, each with a time limit.  The destructor cancels the stream and waits
// for its end.
//
// After an error the stream is over.  Thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_GRPC_ETCD_STREAM_H_
#define MULTI_BACKEND_RESOLVER_GRPC_ETCD_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/async_stream.h>

#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "multi_backend/resolver/grpc/etcd/stoppable_calls.h"

namespace multi_backend {

// The status of a server, with at most 200 bytes of its text, escaped.
absl::Status FromServer(const grpc::Status& status);

template <typename Request, typename Response>
class EtcdStream {
 public:
  using Call = grpc::ClientAsyncReaderWriter<Request, Response>;
  using Starter = absl::FunctionRef<std::unique_ptr<Call>(
      grpc::ClientContext*, grpc::CompletionQueue*, void* tag)>;

  // `calls` must outlive the stream.
  explicit EtcdStream(StoppableCalls& calls) : calls_(calls) {}
  ~EtcdStream() {
    context_.TryCancel();
    if (busy_) calls_.Finish(context_);
    if (call_ != nullptr) FinalStatus().IgnoreError();
  }

  absl::Status Start(Starter start, absl::Duration timeout) {
    call_ = start(&context_, calls_.queue(), nullptr);
    return Complete(timeout);
  }

  absl::Status Write(const Request& request, absl::Duration timeout) {
    call_->Write(request, nullptr);
    return Complete(timeout);
  }

  // The next answer; nullopt when none came in time.  That answer is then
  // returned by a later Read().
  absl::StatusOr<absl::optional<Response>> Read(absl::Duration timeout) {
    if (!busy_) call_->Read(&response_, nullptr);
    const absl::Status status = Complete(timeout);
    if (absl::IsDeadlineExceeded(status) && busy_) {
      return absl::optional<Response>();
    }
    if (!status.ok()) return status;
    return absl::make_optional(std::exchange(response_, Response()));
  }

  grpc::ClientContext& context() { return context_; }

 private:
  absl::Status Complete(absl::Duration timeout) {
    busy_ = true;
    switch (calls_.Wait(timeout)) {
      case StoppableCalls::Outcome::kDone:
        busy_ = false;
        return absl::OkStatus();
      case StoppableCalls::Outcome::kTimeout:
        return absl::DeadlineExceededError("no answer in time");
      case StoppableCalls::Outcome::kStopped:
        return absl::CancelledError("stopped");
      case StoppableCalls::Outcome::kBroken:
        break;
    }
    busy_ = false;
    return FinalStatus();
  }

  // Never OK.
  absl::Status FinalStatus() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    calls_.Finish(context_);
    call_ = nullptr;
    return status.ok() ? absl::UnavailableError("the server ended the stream")
                       : FromServer(status);
  }

  StoppableCalls& calls_;
  grpc::ClientContext context_;
  std::unique_ptr<Call> call_;
  Response response_;  // The read's that is under way.
  bool busy_ = false;  // An operation is under way.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_GRPC_ETCD_STREAM_H_

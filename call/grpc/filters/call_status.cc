#include "multi_backend/call/grpc/filters/call_status.h"

namespace multi_backend {

absl::StatusCode KnownCode(grpc_status_code code) {
  return code < GRPC_STATUS_OK || code > GRPC_STATUS_UNAUTHENTICATED
             ? absl::StatusCode::kUnknown
             : static_cast<absl::StatusCode>(code);
}

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
  status.code = KnownCode(code);
  return status;
}

}  // namespace multi_backend

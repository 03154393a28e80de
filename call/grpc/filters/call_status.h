// CallStatus: how a call, or an attempt, ended, as core tells its filters.
#ifndef MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_STATUS_H_
#define MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "multi_backend/port/core.h"

namespace multi_backend {

// As absl::Status has it: a code that gRPC does not know is UNKNOWN.
absl::StatusCode KnownCode(grpc_status_code code);

// From the trailing metadata, or from the error in their place.
struct CallStatus {
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string message;

  static CallStatus Of(const grpc_error_handle& error,
                       const grpc_metadata_batch* trailers,
                       grpc_core::Timestamp deadline);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_STATUS_H_

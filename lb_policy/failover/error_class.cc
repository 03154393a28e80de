#include "multi_backend/lb_policy/failover/error_class.h"

#include "absl/strings/match.h"
#include "multi_backend/call/try_timeout_message.h"

namespace multi_backend {
namespace {

using absl::StatusCode;

// Core's text for a call that is cancelled without one.
constexpr absl::string_view kCoreDroppedMessage = "CANCELLED";

bool IsTryTimeout(StatusCode code, absl::string_view message) {
  return code == StatusCode::kCancelled &&
         absl::StrContains(message, kCoreTryTimeoutMessage);
}

ErrorClass ClassifyByCode(StatusCode code, absl::string_view message) {
  switch (code) {
    case StatusCode::kOk:
      return ErrorClass::kNone;
    case StatusCode::kUnavailable:
      return ErrorClass::kTransient;
    case StatusCode::kCancelled:
      return IsTryTimeout(code, message) ? ErrorClass::kTimeout
                                         : ErrorClass::kCallerGaveUp;
    case StatusCode::kDeadlineExceeded:
      return ErrorClass::kCallerGaveUp;
    default:
      return ErrorClass::kApplication;
  }
}

// A server may send any code and text, but it cannot cancel the client's call.
ErrorClass ClassifyServers(StatusCode code, absl::string_view message) {
  return code == StatusCode::kCancelled ? ErrorClass::kApplication
                                        : ClassifyByCode(code, message);
}

ErrorClass ClassifyConnections(StatusCode code, absl::string_view message) {
  switch (code) {
    // A reset or lost stream: "Stream removed", RST_STREAM.
    case StatusCode::kCancelled:
    case StatusCode::kDataLoss:
    case StatusCode::kInternal:
    case StatusCode::kUnknown:
      return ErrorClass::kTransient;
    // RST_STREAM with ENHANCE_YOUR_CALM comes from the server.  Otherwise the
    // response's metadata exceeded the client's limit.
    case StatusCode::kResourceExhausted:
      return absl::StrContains(message, "RST_STREAM")
                 ? ErrorClass::kApplication
                 : ErrorClass::kClientFault;
    // HTTP's own answers, and a stream that the server reset because the call's
    // deadline had passed.
    default:
      return ClassifyByCode(code, message);
  }
}

ErrorClass ClassifyOwn(StatusCode code, absl::string_view message, bool sent) {
  // The attempt's time went by in this process, for example behind a connection
  // that carries as many calls as the server allows.
  if (!sent) return ErrorClass::kClientFault;
  if (code == StatusCode::kCancelled || code == StatusCode::kDeadlineExceeded) {
    return ClassifyByCode(code, message);
  }
  return ErrorClass::kClientFault;
}

}  // namespace

StatusOrigin OriginOf(StatusCode code, const StreamReport& stream) {
  if (!stream.watched) return StatusOrigin::kUnknown;
  if (stream.ended_with != code) return StatusOrigin::kClient;
  if (stream.from_server) return StatusOrigin::kServer;
  return stream.cancelled ? StatusOrigin::kClient : StatusOrigin::kConnection;
}

ErrorClass ClassifyError(StatusCode code, absl::string_view message,
                         const StreamReport& stream) {
  if (code == StatusCode::kOk) return ErrorClass::kNone;
  switch (OriginOf(code, stream)) {
    case StatusOrigin::kUnknown:
      break;
    case StatusOrigin::kServer:
      return ClassifyServers(code, message);
    case StatusOrigin::kConnection:
      return ClassifyConnections(code, message);
    case StatusOrigin::kClient:
      return ClassifyOwn(code, message, stream.sent);
  }
  return ClassifyByCode(code, message);
}

bool IsDroppedAtShutdown(StatusCode code, absl::string_view message,
                         const StreamReport& stream) {
  return code == StatusCode::kCancelled && message == kCoreDroppedMessage &&
         OriginOf(code, stream) == StatusOrigin::kServer && !stream.got_message;
}

bool IsInfrastructureFailure(ErrorClass error) {
  return error == ErrorClass::kTransient || error == ErrorClass::kTimeout;
}

}  // namespace multi_backend

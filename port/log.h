// The library's log: gRPC's own until the application sets a sink.
#ifndef MULTI_BACKEND_PORT_LOG_H_
#define MULTI_BACKEND_PORT_LOG_H_

#include <functional>

#include "absl/strings/string_view.h"

namespace multi_backend {

enum class LogSeverity { kInfo, kWarning, kError };

// Receives one message, without a trailing newline.  Called on whatever thread
// has something to say, possibly on several at once and while gRPC holds locks
// of its own, so a sink must return soon and make no gRPC calls.
using LogSink =
    std::function<void(LogSeverity severity, absl::string_view message)>;

// Sends all further messages of the library to `sink`; null means gRPC's log
// (gpr_log) again, which shows errors only unless GRPC_VERBOSITY says
// otherwise. gRPC's own messages are not affected.  A call of the old sink may
// still be running on return.  Thread-safe.
void SetLogSink(LogSink sink);

// Logs `message` as "multi_backend: <message>".
void Log(LogSeverity severity, absl::string_view message);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_LOG_H_

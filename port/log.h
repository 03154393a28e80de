// The log of the library.  Messages go to gRPC's log until the application sets
// its own sink.
#ifndef MULTI_BACKEND_PORT_LOG_H_
#define MULTI_BACKEND_PORT_LOG_H_

#include <functional>

#include "absl/strings/string_view.h"

namespace multi_backend {

enum class LogSeverity { kInfo, kWarning, kError };

// Receives one message, without a trailing newline.  The library calls the sink
// on the thread that logs, so several calls may run at once, and gRPC may hold
// locks during the call.  A sink must therefore return soon and make no gRPC
// calls.
using LogSink =
    std::function<void(LogSeverity severity, absl::string_view message)>;

// Sends all further messages of the library to `sink`.  Null restores the
// default, gRPC's log, which hides infos unless GRPC_VERBOSITY says otherwise.
// Messages of gRPC itself are not affected.  The old sink may still be running
// when this returns.  Thread-safe.
void SetLogSink(LogSink sink);

// Logs "multi_backend: <message>".  Thread-safe.
void Log(LogSeverity severity, absl::string_view message);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_LOG_H_

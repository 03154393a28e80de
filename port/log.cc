#include "multi_backend/port/log.h"

#include <grpc/support/log.h>
#include <grpcpp/version_info.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/sync/mutex.h"

#if GRPC_CPP_VERSION_MINOR != 51
#include "absl/log/log.h"
#endif

namespace multi_backend {
namespace {

class CurrentSink {
 public:
  void Set(LogSink sink) {
    auto next = sink == nullptr
                    ? nullptr
                    : std::make_shared<const LogSink>(std::move(sink));
    MutexLock lock(&mutex_);
    // The old sink is destroyed after the lock is released.
    sink_.swap(next);
  }
  std::shared_ptr<const LogSink> Get() const {
    MutexLock lock(&mutex_);
    return sink_;
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const LogSink> sink_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed, because threads may log until the process ends.
CurrentSink& Sink() {
  static auto* const sink = new CurrentSink();
  return *sink;
}

#if GRPC_CPP_VERSION_MINOR == 51

// This gRPC has no severity between INFO and ERROR, so a warning is logged as
// an error.
void LogToGrpc(LogSeverity severity, const std::string& text) {
  gpr_log(__FILE__, __LINE__,
          severity == LogSeverity::kInfo ? GPR_LOG_SEVERITY_INFO
                                         : GPR_LOG_SEVERITY_ERROR,
          "%s", text.c_str());
}

#else

// Later releases log with Abseil.  GRPC_VERBOSITY=DEBUG shows what they log
// with VLOG(2).
void LogToGrpc(LogSeverity severity, const std::string& text) {
  switch (severity) {
    case LogSeverity::kInfo:
      VLOG(2) << text;
      return;
    case LogSeverity::kWarning:
      LOG(WARNING) << text;
      return;
    case LogSeverity::kError:
      LOG(ERROR) << text;
      return;
  }
}

#endif

}  // namespace

void SetLogSink(LogSink sink) { Sink().Set(std::move(sink)); }

void Log(LogSeverity severity, absl::string_view message) {
  const std::string text = absl::StrCat("multi_backend: ", message);
  const std::shared_ptr<const LogSink> sink = Sink().Get();
  if (sink != nullptr) {
    (*sink)(severity, text);
    return;
  }
  LogToGrpc(severity, text);
}

}  // namespace multi_backend

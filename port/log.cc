#include "multi_backend/port/log.h"

#include <grpc/support/log.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/sync/mutex.h"

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

// gRPC has no severity between INFO and ERROR, so a warning is logged as an
// error.
gpr_log_severity ToGrpc(LogSeverity severity) {
  return severity == LogSeverity::kInfo ? GPR_LOG_SEVERITY_INFO
                                        : GPR_LOG_SEVERITY_ERROR;
}

}  // namespace

void SetLogSink(LogSink sink) { Sink().Set(std::move(sink)); }

void Log(LogSeverity severity, absl::string_view message) {
  const std::string text = absl::StrCat("multi_backend: ", message);
  const std::shared_ptr<const LogSink> sink = Sink().Get();
  if (sink != nullptr) {
    (*sink)(severity, text);
    return;
  }
  gpr_log(__FILE__, __LINE__, ToGrpc(severity), "%s", text.c_str());
}

}  // namespace multi_backend

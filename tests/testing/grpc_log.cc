#include "multi_backend/tests/testing/grpc_log.h"

#include <grpc/support/log.h>
#include <grpcpp/version_info.h>

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "multi_backend/sync/mutex.h"

#if GRPC_CPP_VERSION_MINOR != 51
#include "absl/log/globals.h"
#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#endif

namespace multi_backend {
namespace {

class Lines {
 public:
  explicit Lines(absl::string_view part) : part_(part) {}

  void Add(LogSeverity severity, absl::string_view text) {
    if (!absl::StrContains(text, part_)) return;
    MutexLock lock(&mutex_);
    lines_.push_back({severity, std::string(text)});
  }
  std::vector<GrpcLog::Line> Get() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  const std::string part_;
  mutable Mutex mutex_;
  std::vector<GrpcLog::Line> lines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

#if GRPC_CPP_VERSION_MINOR == 51

class GrpcLog::Sink {
 public:
  explicit Sink(absl::string_view part) : lines_(part) {
    current = &lines_;
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
    gpr_set_log_function([](gpr_log_func_args* args) {
      current->Add(args->severity == GPR_LOG_SEVERITY_ERROR
                       ? LogSeverity::kError
                       : LogSeverity::kInfo,
                   args->message);
    });
  }
  ~Sink() {
    gpr_set_log_function(nullptr);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  }

  std::vector<Line> lines() const { return lines_.Get(); }

 private:
  static Lines* current;

  Lines lines_;
};
Lines* GrpcLog::Sink::current = nullptr;

LogSeverity GrpcLog::SeverityOfWarnings() { return LogSeverity::kError; }

#else

class GrpcLog::Sink final : public absl::LogSink {
 public:
  explicit Sink(absl::string_view part) : lines_(part) {
    absl::SetVLogLevel("log", 2);
    absl::AddLogSink(this);
  }
  ~Sink() override {
    absl::RemoveLogSink(this);
    absl::SetVLogLevel("log", 0);
  }

  std::vector<Line> lines() const { return lines_.Get(); }

 private:
  void Send(const absl::LogEntry& entry) override {
    switch (entry.log_severity()) {
      case absl::LogSeverity::kInfo:
        return lines_.Add(LogSeverity::kInfo, entry.text_message());
      case absl::LogSeverity::kWarning:
        return lines_.Add(LogSeverity::kWarning, entry.text_message());
      default:
        return lines_.Add(LogSeverity::kError, entry.text_message());
    }
  }

  Lines lines_;
};

LogSeverity GrpcLog::SeverityOfWarnings() { return LogSeverity::kWarning; }

#endif

GrpcLog::GrpcLog(absl::string_view part)
    : sink_(std::make_unique<Sink>(part)) {}

GrpcLog::~GrpcLog() = default;

std::vector<GrpcLog::Line> GrpcLog::lines() const { return sink_->lines(); }

std::vector<std::string> GrpcLog::texts() const {
  std::vector<std::string> texts;
  for (Line& line : sink_->lines()) texts.push_back(std::move(line.text));
  return texts;
}

}  // namespace multi_backend

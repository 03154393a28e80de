// ConfigWarnings: gives the warnings about the configurations of one channel to
// the application.
//
// Several parts of a channel report the same configuration, and a resolver
// reports it with every resolution.  The application is told once, until
// another configuration takes its place.  Thread-safe; no lock is held while
// the application's function runs.
#ifndef MULTI_BACKEND_CALL_GRPC_CONFIG_WARNINGS_H_
#define MULTI_BACKEND_CALL_GRPC_CONFIG_WARNINGS_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

// Receives the warnings about one service config, at least one, each as
// "field:<path> warning:<text>".  The function runs on the thread that makes
// the channel, or on a thread of gRPC for a configuration that a resolver
// brings later; gRPC may hold locks then.  It must return soon and make no gRPC
// calls.
using WarningFunction =
    std::function<void(const std::vector<std::string>& warnings)>;

// Calls `function` when there are warnings.  `function` may be null.
void GiveWarnings(const std::vector<LintWarning>& warnings,
                  const WarningFunction& function);

class ConfigWarnings {
 public:
  explicit ConfigWarnings(WarningFunction function)
      : function_(std::move(function)) {}

  // Tells of a configuration that the channel uses from now on;
  // `service_config` is its text.
  void Report(absl::string_view service_config,
              const std::vector<LintWarning>& warnings);

 private:
  const WarningFunction function_;
  Mutex mutex_;
  std::string reported_ ABSL_GUARDED_BY(mutex_);  // The newest text.
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_CONFIG_WARNINGS_H_

#include "multi_backend/call/grpc/config_warnings.h"

namespace multi_backend {

void GiveWarnings(const std::vector<LintWarning>& warnings,
                  const WarningFunction& function) {
  if (function == nullptr || warnings.empty()) return;
  std::vector<std::string> texts;
  texts.reserve(warnings.size());
  for (const LintWarning& warning : warnings) {
    texts.push_back(FormatWarnings({warning}));
  }
  function(texts);
}

void ConfigWarnings::Report(absl::string_view service_config,
                            const std::vector<LintWarning>& warnings) {
  {
    MutexLock lock(&mutex_);
    if (reported_ == service_config) return;
    reported_ = std::string(service_config);
  }
  GiveWarnings(warnings, function_);
}

}  // namespace multi_backend

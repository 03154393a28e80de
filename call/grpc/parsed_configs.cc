#include "multi_backend/call/grpc/parsed_configs.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/port/log.h"
#include "multi_backend/proto/config/parser/parser.h"

namespace multi_backend {

ConfigCache& ParsedConfigs() {
  static auto* const configs =
      new ConfigCache([](const std::vector<LintWarning>& warnings) {
        Log(LogSeverity::kWarning,
            absl::StrCat("service config: ", FormatWarnings(warnings)));
      });
  return *configs;
}

}  // namespace multi_backend

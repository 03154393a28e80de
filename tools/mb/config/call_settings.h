// SettingsOf(): what bounds a call, and where each bound comes from.
#ifndef MULTI_BACKEND_TOOLS_MB_CONFIG_CALL_SETTINGS_H_
#define MULTI_BACKEND_TOOLS_MB_CONFIG_CALL_SETTINGS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/tools/mb/config/method_config.h"
#include "multi_backend/tools/mb/output/report.pb.h"

namespace multi_backend {
namespace mb {

struct CallSettings {
  // Of one call, by configuration; 5 where the method's own retryPolicy
  // decides, because gRPC allows no more.
  int most_attempts = 1;
  std::vector<v1::Setting> settings;  // In the order of their importance.
};

// `balancer`: the one of the call's role.  `never_route`: the route that says
// `retry: NEVER`, "" for none.  Pure and thread-safe.
CallSettings SettingsOf(const PolicyConfig& policy,
                        const BalancerConfig& balancer,
                        const MethodConfig& method,
                        absl::string_view never_route);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_CONFIG_CALL_SETTINGS_H_

// FindMethodConfig(): what gRPC's own part of a service config says about a
// method.
#ifndef MULTI_BACKEND_TOOLS_MB_CONFIG_METHOD_CONFIG_H_
#define MULTI_BACKEND_TOOLS_MB_CONFIG_METHOD_CONFIG_H_

#include <string>

#include "absl/strings/string_view.h"

namespace multi_backend {
namespace mb {

struct MethodConfig {
  // The entry that gRPC uses: "methodConfig[1]"; "" for none.
  std::string where;
  std::string timeout;  // As written: "1.5s"; "" for none.
  bool wait_for_ready = false;
  bool has_retry_policy = false;
};

// Of the entries that name the method, its service, or nothing ({}), the first
// kind goes before the second, and that before the third
// (grpc/service_config.md).  `service_config` must be JSON that gRPC accepts;
// what it would refuse counts as absent.  Pure and thread-safe.
MethodConfig FindMethodConfig(absl::string_view service_config,
                              absl::string_view service,
                              absl::string_view method);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_CONFIG_METHOD_CONFIG_H_

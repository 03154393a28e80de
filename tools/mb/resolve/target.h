// OpenTarget(): the source behind a target, without a channel.
#ifndef MULTI_BACKEND_TOOLS_MB_RESOLVE_TARGET_H_
#define MULTI_BACKEND_TOOLS_MB_RESOLVE_TARGET_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "multi_backend/resolver/groups/endpoint_group.h"

namespace multi_backend {
namespace mb {

// Returns a running source for `static:`, `file:`, `dns+addr:`, `dns+srv:`,
// `dns+txt:`, `zookeeper:` and `etcd:` targets.  INVALID_ARGUMENT says what is
// wrong with any other target; no text shows the target, because a password may
// stand where none belongs.
absl::StatusOr<std::shared_ptr<EndpointGroup>> OpenTarget(
    const std::string& target);

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_RESOLVE_TARGET_H_

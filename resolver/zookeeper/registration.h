// Registers the source, and the registrar, of `zookeeper:` targets.
#ifndef MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRATION_H_
#define MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRATION_H_

#include "absl/status/status.h"

namespace multi_backend {

// Channels and registrars that are made after this may have such targets.
// Idempotent, thread-safe; see SourceRegistry::Register().
absl::Status RegisterZookeeper();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ZOOKEEPER_REGISTRATION_H_

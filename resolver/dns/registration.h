// Registers the sources of `dns+addr:`, `dns+srv:` and `dns+txt:` targets.
#ifndef MULTI_BACKEND_RESOLVER_DNS_REGISTRATION_H_
#define MULTI_BACKEND_RESOLVER_DNS_REGISTRATION_H_

#include "absl/status/status.h"

namespace multi_backend {

// Channels that are made after this may have such targets.  Idempotent,
// thread-safe; see SourceRegistry::Register().
absl::Status RegisterDns();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_REGISTRATION_H_

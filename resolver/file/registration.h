// Registers the source of `file:` targets.
#ifndef MULTI_BACKEND_RESOLVER_FILE_REGISTRATION_H_
#define MULTI_BACKEND_RESOLVER_FILE_REGISTRATION_H_

#include "absl/status/status.h"

namespace multi_backend {

// Idempotent, thread-safe; see SourceRegistry::Register().
absl::Status RegisterFile();

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_FILE_REGISTRATION_H_

#include "multi_backend/interceptors/method_cache.h"

// Compiles the hash into this file, so that the compiler can inline the short
// path for short names.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace multi_backend {

uint64_t HashMethodName(absl::string_view name) {
  return XXH3_64bits(name.data(), name.size());
}

}  // namespace multi_backend

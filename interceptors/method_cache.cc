#include "multi_backend/interceptors/method_cache.h"

// The whole hash in this file, so that short names take the short way in it.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace multi_backend {

uint64_t HashMethodName(absl::string_view name) {
  return XXH3_64bits(name.data(), name.size());
}

}  // namespace multi_backend

#include "multi_backend/interceptors/key_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace multi_backend {

uint64_t HashStickyKey(absl::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

}  // namespace multi_backend

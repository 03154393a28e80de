// HashStickyKey(): turns a sticky key into the number that the call label
// carries.
#ifndef MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_
#define MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace multi_backend {

// Returns the hash of a key: XXH3 with seed 0.  The hash must be the same in
// every process, on every machine and in every release; otherwise the clients
// of one service would disagree about the backend of a key.  All 64 bits are
// uniform.  The key may have any bytes and any length.
uint64_t HashStickyKey(absl::string_view key);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_

// HashStickyKey(), HashOfKey(): turn a sticky key into the number that the call
// label carries.
#ifndef MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_
#define MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace multi_backend {

// Returns the hash of a key: XXH3 with seed 0.  The hash must be the same in
// every process, on every machine and in every release; otherwise the clients
// of one service would disagree about the backend of a key.  All 64 bits are
// uniform.  The key may have any bytes and any length.
uint64_t HashStickyKey(absl::string_view key);

// Returns the hash of a call's key, an optional text.  An empty key counts as
// none, so that calls without a user do not all go to one backend.
template <typename OptionalText>
absl::optional<uint64_t> HashOfKey(const OptionalText& key) {
  if (!key.has_value() || key->empty()) return absl::nullopt;
  return HashStickyKey(*key);
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_KEY_HASH_H_

#include "multi_backend/lb_policy/backend.h"

#include <xxhash.h>

#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

uint32_t NextId() {
  static std::atomic<uint32_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

// Must not differ between processes or releases: STICKY's owners follow it.
uint64_t IdentityHash(absl::string_view address, absl::string_view name) {
  const std::string identity = absl::StrCat(address, "\n", name);
  return XXH64(identity.data(), identity.size(), /*seed=*/0);
}

}  // namespace

Backend::Backend(std::string address, std::string name)
    : id_(NextId()),
      hash_(IdentityHash(address, name)),
      address_(std::move(address)),
      name_(std::move(name)) {}

}  // namespace multi_backend

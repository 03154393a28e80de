#include "multi_backend/resolver/source/server_rotation.h"

#include <utility>

namespace multi_backend {

ServerRotation::ServerRotation(EndpointList servers, BackoffOptions backoff,
                               uint32_t seed)
    : servers_(std::move(servers)),
      longest_(backoff.max),
      random_(seed),
      backoff_(backoff),
      current_(random_() % servers_.size()) {}

absl::Duration ServerRotation::Failed(absl::Duration worked) {
  if (worked > longest_) {
    failed_ = 0;
    backoff_.Reset();
  }
  current_ = (current_ + 1) % servers_.size();
  if (++failed_ % servers_.size() != 0) return absl::ZeroDuration();
  return backoff_.Next(std::uniform_real_distribution<double>(0, 1)(random_));
}

}  // namespace multi_backend

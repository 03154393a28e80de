#include "multi_backend/resolver/source/backoff.h"

#include <algorithm>

namespace multi_backend {

absl::Duration Backoff::Next(double unit) {
  const absl::Duration base = std::min(base_, options_.max);
  base_ = std::min(base * 2, options_.max);
  return base * (1 - options_.jitter + 2 * options_.jitter * unit);
}

}  // namespace multi_backend

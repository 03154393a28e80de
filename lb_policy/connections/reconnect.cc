#include "multi_backend/lb_policy/connections/reconnect.h"

#include <algorithm>
#include <cmath>

namespace multi_backend {
namespace {

// This many fruitless connections in a row are followed by another attempt at
// once.
constexpr int kTolerated = 2;
// Connections that live longer, such as those of a server that closes idle
// ones, are made again at most once a second, which needs no backoff.
constexpr absl::Duration kYoung = absl::Seconds(1);
// As in core.
constexpr double kMultiplier = 1.6;
constexpr double kJitter = 0.2;
// Far above what max / initial can be; keeps the power finite.
constexpr int kMaxExponent = 100;

}  // namespace

absl::Duration ReconnectPace::OnEnd(int64_t now, bool answered,
                                    double uniform) {
  if (answered || absl::Nanoseconds(now - ready_since_) >= kYoung) {
    fruitless_ = 0;
    return absl::ZeroDuration();
  }
  ++fruitless_;
  if (fruitless_ <= kTolerated) return absl::ZeroDuration();
  const int exponent = std::min(fruitless_ - kTolerated - 1, kMaxExponent);
  const absl::Duration wait = std::min(
      backoff_.initial * std::pow(kMultiplier, exponent), backoff_.max);
  return wait * (1 - kJitter + 2 * kJitter * uniform);
}

}  // namespace multi_backend

#include "multi_backend/clock/steady_now.h"

#include <chrono>

#include "absl/time/clock.h"

namespace multi_backend {
namespace {

int64_t NowNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

absl::Time SteadyTime(int64_t steady_nanos) {
  static const int64_t first_nanos = NowNanos();
  static const absl::Time first = absl::Now();
  return first + absl::Nanoseconds(steady_nanos - first_nanos);
}

absl::Time SteadyNow() { return SteadyTime(NowNanos()); }

}  // namespace multi_backend

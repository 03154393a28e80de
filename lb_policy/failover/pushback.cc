#include "multi_backend/lb_policy/failover/pushback.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"

namespace multi_backend {

bool PushbackAllowsRetry(absl::optional<absl::string_view> pushback_ms,
                         absl::Duration remaining) {
  if (!pushback_ms.has_value()) return true;
  int64_t millis;
  if (!absl::SimpleAtoi(*pushback_ms, &millis) || millis < 0) return false;
  return absl::Milliseconds(millis) <= std::min(remaining, kMaxPushback);
}

bool IsPushbackOfZero(absl::optional<absl::string_view> pushback_ms) {
  int64_t millis;
  return pushback_ms.has_value() && absl::SimpleAtoi(*pushback_ms, &millis) &&
         millis == 0;
}

}  // namespace multi_backend

#include "multi_backend/observability/admin/proto_time.h"

#include <algorithm>
#include <cstdint>

namespace multi_backend {

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp->set_seconds(seconds);
  timestamp->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

google::protobuf::Duration DurationOf(absl::Duration duration) {
  constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 1000);
  duration = std::min(std::max(duration, -kLongest), kLongest);
  const int64_t seconds = duration / absl::Seconds(1);
  google::protobuf::Duration result;
  result.set_seconds(seconds);
  result.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
  return result;
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

}  // namespace multi_backend

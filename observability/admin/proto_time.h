// Times and durations of absl as protobuf's, and back.
//
// Pure functions.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_PROTO_TIME_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace multi_backend {

// Sets nothing where `time` is infinite.
void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp);
absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

// At most 1000 years, which protobuf's JSON can still hold.
google::protobuf::Duration DurationOf(absl::Duration duration);
absl::Duration ToDuration(const google::protobuf::Duration& duration);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_PROTO_TIME_H_

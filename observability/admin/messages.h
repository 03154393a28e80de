// What sinks and channels tell, as the messages of admin.proto.
//
// Pure functions.  Every text that others control goes through ShownText().
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_MESSAGES_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_MESSAGES_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/metrics_sink.h"

namespace multi_backend {

// What one message may hold of each; the rest is counted as left out.
constexpr size_t kMaxChannelsShown = 200;
constexpr size_t kMaxBackendsShown = 2000;
// Attempts of a call, and backends that a pick passed over.
constexpr size_t kMaxAttemptsShown = 16;
constexpr size_t kMaxPassedOverShown = 16;

// `now` stands in for a start that the call does not have.
std::unique_ptr<admin::v1::Call> MakeCall(const CallEnded& call,
                                          absl::Time now);

// Leaves the sequence number to the log.
std::unique_ptr<admin::v1::Event> MakeEvent(const StateChanged& change);

// With `max_backends` of the backends at most.  Leaves `id` and the minutes of
// the backends to the caller.
admin::v1::Channel MakeChannel(const ChannelStatus& status, absl::Time now,
                               size_t max_backends);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_MESSAGES_H_

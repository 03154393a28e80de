// IsAskedFor(): whether the answer to a request has a call or an event.
//
// The service asks it, and so does a client of the status page, which answers
// with everything.  Pure functions.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_ASKED_FOR_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_ASKED_FOR_H_

#include "multi_backend/observability/admin/admin.pb.h"

namespace multi_backend {

// Leaves the limit to the caller.
inline bool IsAskedFor(const admin::v1::Call& call,
                       const admin::v1::GetCallsRequest& request) {
  if (!request.target().empty() && call.target() != request.target()) {
    return false;
  }
  return !request.failed_or_retried_only() || call.status() != "OK" ||
         call.attempts_made() > 1;
}

// Leaves the sequence number to the caller.  An event without a target, of an
// action on all of them, concerns each.
inline bool IsAskedFor(const admin::v1::Event& event,
                       const admin::v1::WatchEventsRequest& request) {
  return request.target().empty() || event.target().empty() ||
         event.target() == request.target();
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_ASKED_FOR_H_

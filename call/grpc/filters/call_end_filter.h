// The call-end filter: sees each call of a channel with sinks from its creation
// to its end, and tells the sinks of the end.
//
// It stands at the top of the channel, above core's queue of calls that wait
// for the resolver, so that calls which never get further are told of, too.  A
// call that does has a CallRecord, which the answer filter makes known here.
//
// Channels without sinks do not have the filter.
#ifndef MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_END_FILTER_H_
#define MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_END_FILTER_H_

#include <cstdint>

#include "multi_backend/call/call_record.h"
#include "multi_backend/port/registration.h"

namespace multi_backend {

// Where the answer filter finds the filter's element of the same call.
struct WatchedCall {
  int64_t start_nanos = 0;       // On the clock of CallRecord.
  CallRecord* record = nullptr;  // The answer filter sets it.
};

// A CorePart.
void RegisterCallEndFilter(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_FILTERS_CALL_END_FILTER_H_

// The stream filter: watches each attempt's stream.  It tells the attempt
// (AttemptPart) that it is sent, and fills in the StreamRecord that OnSent()
// returns.
//
// It is part of the connections of channels that use the LB policy
// multi_backend.  There it stands directly above HTTP, and so below the filters
// that fail an attempt without the transport: call credentials and the limits
// for the size of messages.  It changes nothing of what passes through.  Calls
// without a CallContext are not watched.
//
// Cost: three closures for a unary call; no locks and no memory beyond the
// call's own.
#ifndef MULTI_BACKEND_CALL_GRPC_FILTERS_STREAM_FILTER_H_
#define MULTI_BACKEND_CALL_GRPC_FILTERS_STREAM_FILTER_H_

#include "absl/strings/string_view.h"
#include "multi_backend/port/core.h"
#include "multi_backend/port/registration.h"

namespace multi_backend {

// Connections whose channel args have this integer, not 0, get the filter.
// Only the policy multi_backend sets it.
constexpr absl::string_view kStreamFilterArg = "multi_backend.stream_filter";
bool HasStreamFilter(const grpc_core::ChannelArgs& args);

// Pass this to RegisterWithCore() as a CorePart.
void RegisterStreamFilter(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_FILTERS_STREAM_FILTER_H_

// The label filter: the last guard that keeps call labels inside the process.
//
// An interceptor that the application made by hand labels the calls of any
// channel.  Only the config selector of this library takes the label off again,
// and a channel with another LB policy has none, nor has one on an `xds:`
// target or without any resolver.  The filter stands in front of every
// connection of the process and takes off what no selector has taken.  Only the
// connections that the policy multi_backend makes go without it, because its
// picks take no call that still has a label.
//
// A call whose label names a role fails with INTERNAL, because it would go to
// any backend: the connection was chosen without regard to the role.  For other
// labels the call goes on.  Either is logged once for each target.  A label
// that only asks for a trail is taken off without a word.
//
// Cost: calls without a label pay for one look at their metadata.
#ifndef MULTI_BACKEND_CALL_GRPC_FILTERS_LABEL_FILTER_H_
#define MULTI_BACKEND_CALL_GRPC_FILTERS_LABEL_FILTER_H_

#include "multi_backend/port/registration.h"

namespace multi_backend {

// A CorePart.
void RegisterLabelFilter(CoreBuilder& builder);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_FILTERS_LABEL_FILTER_H_

// The answer filter: gives the caller the whole status that the library means.
//
// It stands above core's retry filter, on the calls of each channel whose
// config selector is the library's, and changes the trailing metadata of a call
// in two cases:
//   - The LB policy has ended the call with the answer of an earlier attempt
//     (CallContext::answer).  A pick can end a call only with a status and a
//     message; the filter puts back the error details and the trailers.
//   - The last attempt ran into perTryTimeout, for which core says CANCELLED.
//     The caller gets DEADLINE_EXCEEDED, with a message that names the option.
// It also sets CallContext::is_streaming, and makes the record of an observed
// call known to the call-end filter.  Where that is missing, because the call
// has only a reader of its trail, it tells the record of the call's end.
#ifndef MULTI_BACKEND_CALL_GRPC_FILTERS_ANSWER_FILTER_H_
#define MULTI_BACKEND_CALL_GRPC_FILTERS_ANSWER_FILTER_H_

#include "multi_backend/port/core.h"

namespace multi_backend {

extern const grpc_channel_filter kAnswerFilter;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_CALL_GRPC_FILTERS_ANSWER_FILTER_H_

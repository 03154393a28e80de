// CallFilter(): one of core's channel filters, made from a class.
//
// `Element` is what the filter keeps for one call (or one attempt, by the stack
// in which it stands).  It has a constructor from const grpc_call_element_args&
// and Watch(grpc_transport_stream_op_batch&), which sees each batch before the
// filters below do and may put its own closures into it.  The filter keeps
// nothing for its channel.  Core serialises all that touches one call.
#ifndef MULTI_BACKEND_PORT_CALL_FILTER_H_
#define MULTI_BACKEND_PORT_CALL_FILTER_H_

#include <new>

#include "multi_backend/port/core_api.h"

namespace multi_backend {

// `name` is what core's traces call the filter, and must live for ever.
template <typename Element>
constexpr grpc_channel_filter CallFilter(const char* name) {
  return {
      [](grpc_call_element* element, grpc_transport_stream_op_batch* batch) {
        static_cast<Element*>(element->call_data)->Watch(*batch);
        grpc_call_next_op(element, batch);
      },
      /*make_call_promise=*/nullptr,
      grpc_channel_next_op,
      sizeof(Element),
      [](grpc_call_element* element, const grpc_call_element_args* args) {
        new (element->call_data) Element(*args);
        return absl::OkStatus();
      },
      grpc_call_stack_ignore_set_pollset_or_pollset_set,
      [](grpc_call_element* element, const grpc_call_final_info*,
         grpc_closure*) {
        static_cast<Element*>(element->call_data)->~Element();
      },
      /*sizeof_channel_data=*/0,
      [](grpc_channel_element*, grpc_channel_element_args*) {
        return absl::OkStatus();
      },
      grpc_channel_stack_no_post_init,
      [](grpc_channel_element*) {},
      grpc_channel_next_get_info,
      name};
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_CALL_FILTER_H_

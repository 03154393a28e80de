// FilterParts and FilterPlace: what a channel filter is made of, and where it
// stands, in every release of gRPC (port/README.md).
#ifndef MULTI_BACKEND_PORT_FILTER_PARTS_H_
#define MULTI_BACKEND_PORT_FILTER_PARTS_H_

#include <cstddef>

#include "absl/status/status.h"

struct grpc_call_element;
struct grpc_call_element_args;
struct grpc_call_final_info;
struct grpc_channel_element;
struct grpc_channel_element_args;
struct grpc_closure;
struct grpc_transport_stream_op_batch;

namespace multi_backend {
namespace core {

// The functions and sizes of a filter, as grpc_channel_filter describes them.
struct FilterParts {
  void (*start_batch)(grpc_call_element*, grpc_transport_stream_op_batch*);
  size_t call_size;
  absl::Status (*init_call)(grpc_call_element*, const grpc_call_element_args*);
  void (*destroy_call)(grpc_call_element*, const grpc_call_final_info*,
                       grpc_closure*);
  size_t channel_size;
  absl::Status (*init_channel)(grpc_channel_element*,
                               grpc_channel_element_args*);
  void (*destroy_channel)(grpc_channel_element*);
};

enum class FilterPlace {
  kTop,
  // Directly above HTTP, and so below what fails a call in this process.  A
  // connection without HTTP has no filter there.
  kAboveHttp,
};

}  // namespace core
}  // namespace multi_backend

#endif  // MULTI_BACKEND_PORT_FILTER_PARTS_H_

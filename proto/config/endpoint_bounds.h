// The bounds on lists of endpoints and on their attributes, for the
// configuration and for discovery alike.
#ifndef MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_
#define MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_

#include <cstddef>
#include <cstdint>

namespace multi_backend {

// In one list.
constexpr size_t kMaxEndpoints = 10000;
// A backend with a millionth of another one's share gets no calls to speak of,
// and the sum over 10,000 backends stays far inside 64 bits.
constexpr uint32_t kMaxEndpointWeight = 1000000;
constexpr size_t kMaxLabels = 64;
// In bytes, of zones, of names and values of labels, of names of sticky keys.
constexpr size_t kMaxNameSize = 256;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_

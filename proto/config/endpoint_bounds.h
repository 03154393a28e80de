// What may be said of an endpoint, by the configuration and by discovery alike.
#ifndef MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_
#define MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_

#include <cstddef>
#include <cstdint>

namespace multi_backend {

// Of one list.
constexpr size_t kMaxEndpoints = 10000;
// A backend's share of 1/1,000,000 of another one's is as good as none, and
// the sum over 10,000 backends stays far inside 64 bits.
constexpr uint32_t kMaxEndpointWeight = 1000000;
constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxNameSize = 256;  // Zones, labels, sticky keys' names.

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_ENDPOINT_BOUNDS_H_

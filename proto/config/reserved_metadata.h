// The metadata keys that belong to this library: the interceptor drops those of
// an application, and no sticky key may be read from one.
#ifndef MULTI_BACKEND_PROTO_CONFIG_RESERVED_METADATA_H_
#define MULTI_BACKEND_PROTO_CONFIG_RESERVED_METADATA_H_

#include "absl/strings/string_view.h"

namespace multi_backend {

constexpr absl::string_view kReservedMetadataPrefix = "mb-";

}  // namespace multi_backend

#endif  // MULTI_BACKEND_PROTO_CONFIG_RESERVED_METADATA_H_

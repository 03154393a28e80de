// Checks of a request's metadata: what would end the process or hurt other
// calls is refused before gRPC sees it.
//
// gRPC 1.51 aborts the process when an application sends metadata that HTTP/2
// does not allow, so that one poisoned value, perhaps copied from a request,
// would end all calls.  And a server that gets more metadata than it takes may
// close the whole connection, with the calls of others on it.
//
// Pure and thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_REQUEST_METADATA_H_
#define MULTI_BACKEND_INTERCEPTORS_REQUEST_METADATA_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// Core uses this key for a pointer, and aborts when an application sends it.
constexpr absl::string_view kCoreOwnKey = "grpclb_client_stats";

// Returns INVALID_ARGUMENT, with the key and the place of the first bad byte
// but without the value, for an entry
// - whose key is empty or has other bytes than a-z, 0-9, '-', '_' and '.',
// - whose value has other bytes than printable ASCII, unless the key ends in
//   "-bin",
// - with the key kCallLabelKey, unless an interceptor of this process has
//   written it, or with kCoreOwnKey.
// O(bytes).
absl::Status CheckMetadataEntry(absl::string_view key, absl::string_view value);

// Servers of gRPC accept this many bytes of metadata unless they say otherwise.
constexpr size_t kUsualMetadataLimit = 8192;
// Counts for the entries that gRPC adds to a request after it has been checked:
// :method, :scheme, te, content-type, user-agent, grpc-accept-encoding and
// grpc-previous-rpc-attempts have some 430 bytes.
constexpr size_t kMetadataOfGrpc = 512;

// Whether a request with `size` bytes of metadata stays within `limit` once
// gRPC has added its own entries.  Sizes are as HTTP/2 counts them (RFC 9113,
// section 6.5.2): key, value and 32 for each entry.
constexpr bool IsWithinMetadataLimit(size_t size, size_t limit) {
  return size + kMetadataOfGrpc <= limit;
}
// Returns RESOURCE_EXHAUSTED, with both sizes, if it does not.
absl::Status CheckMetadataSize(size_t size, size_t limit);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_REQUEST_METADATA_H_

// etcd records: the value of one key under a service's prefix, as an endpoint.
//
// Two forms are read.  The first is the one that the gRPC naming of etcd's own
// clients writes:
//
//   {"Addr":"10.0.0.1:50051","Metadata":{"weight":2000,"role":"primary",
//    "zone":"eu","priority":1,"labels":{"version":"7"}}}
//
// Metadata, its members and all other members are optional.  Metadata that is
// not an object, as other users of that form write, is ignored.  Values that do
// not begin with "{" are text records (resolver/endpoint/text_record.h):
//
//   10.0.0.1:50051 weight=2000 role=primary zone=eu
//
// Cost: about 2 µs a record.  Pure.
#ifndef MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_
#define MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

// Larger values are refused without being parsed.  A record that uses all that
// a policy's default limits allow has 40 KB.
constexpr size_t kMaxEtcdRecordBytes = 1 << 18;

// INVALID_ARGUMENT says what is wrong: "Metadata.weight: must be 0..1000000".
// Thread-safe.
absl::StatusOr<Endpoint> ParseEtcdRecord(absl::string_view value);

// Writes the first form, without members that have their default.
std::string FormatEtcdRecord(const Endpoint& endpoint);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_

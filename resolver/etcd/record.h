// etcd records: the value of one key under a service's prefix <-> an endpoint.
//
// Two forms are read.  The one that gRPC's naming of etcd's own clients writes:
//
//   {"Addr":"10.0.0.1:50051","Metadata":{"weight":2000,"role":"primary",
//    "zone":"eu","priority":1,"labels":{"version":"7"}}}
//
// where Metadata, its members and all other members may be missing, and
// Metadata that is no object, as other users of that form have, is left out;
// and, for values that do not begin with "{", a text record
// (resolver/endpoint/text_record.h):
//
//   10.0.0.1:50051 weight=2000 role=primary zone=eu
//
// Cost: a record about 2 µs.  Pure.
#ifndef MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_
#define MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// Larger ones are refused unread; one with all that a policy's default limits
// allow has 40 KB.
constexpr size_t kMaxEtcdRecordBytes = 1 << 18;

// INVALID_ARGUMENT says what is wrong: "Metadata.weight: must be 0..1000000".
// Thread-safe.
absl::StatusOr<Endpoint> ParseEtcdRecord(absl::string_view value);

// The first form, without what has its default.
std::string FormatEtcdRecord(const Endpoint& endpoint);

// What is under one prefix, by key; follows a store's events.
// `policy` must outlive it.  Thread-compatible.
class EtcdRecords {
 public:
  explicit EtcdRecords(const EndpointPolicy& policy) : policy_(policy) {}

  // What the policy refuses is not kept, only why.
  void Put(absl::string_view key, absl::string_view value);
  void Delete(absl::string_view key);
  size_t size() const { return records_.size(); }

  // In the order of the keys; refusals say the key.  RESOURCE_EXHAUSTED as
  // EndpointAdmission.
  absl::StatusOr<AdmittedEndpoints> Admit() const;

 private:
  const EndpointPolicy& policy_;
  std::map<std::string, absl::StatusOr<Endpoint>, std::less<>> records_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ETCD_RECORD_H_

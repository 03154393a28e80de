// EtcdRecords: the records under one prefix, by key, kept up to date by a
// store's events.
#ifndef MULTI_BACKEND_RESOLVER_ETCD_RECORDS_H_
#define MULTI_BACKEND_RESOLVER_ETCD_RECORDS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// `policy` must outlive the object.  Thread-compatible.
class EtcdRecords {
 public:
  explicit EtcdRecords(const EndpointPolicy& policy) : policy_(policy) {}

  // Of a record that the policy refuses, only the reason is kept.
  void Put(absl::string_view key, absl::string_view value);
  void Delete(absl::string_view key);
  size_t size() const { return records_.size(); }

  // The endpoints in the order of their keys; refusals name the key.
  // RESOURCE_EXHAUSTED as of EndpointAdmission.
  absl::StatusOr<AdmittedEndpoints> Admit() const;

 private:
  const EndpointPolicy& policy_;
  std::map<std::string, absl::StatusOr<Endpoint>, std::less<>> records_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_ETCD_RECORDS_H_

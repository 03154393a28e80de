// DnsSource: how one kind of DNS target turns answers into endpoints.  Pure: it
// gets a function that asks, so its tests give the answers.
//
// One thread at a time; it remembers what it learned last.
#ifndef MULTI_BACKEND_RESOLVER_DNS_SOURCE_H_
#define MULTI_BACKEND_RESOLVER_DNS_SOURCE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

struct DnsResolution {
  AdmittedEndpoints admitted;
  // Smallest of all records used.
  absl::Duration ttl = absl::InfiniteDuration();
  // Not OK: a part could not be learned, and what was known of it before is in
  // the list.
  absl::Status error;
};

class DnsSource {
 public:
  virtual ~DnsSource() = default;

  // "dns+srv:///_grpc._tcp.users.example".
  virtual std::string name() const = 0;

  // NOT_FOUND: the name or its records do not exist.  Another error: nothing
  // was learned.
  virtual absl::StatusOr<DnsResolution> Resolve(AskDns ask) = 0;
};

// `status` with the question before its text: "SRV _grpc._tcp.a: timeout".
absl::Status WithQuestion(const DnsQuestion& question,
                          const absl::Status& status);

// INVALID_ARGUMENT unless `name` may be asked for: a host name, not an address,
// which "_service._protocol." may precede.
absl::Status CheckDnsName(absl::string_view name);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_SOURCE_H_

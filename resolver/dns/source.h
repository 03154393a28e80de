// DnsSource: how one kind of DNS target turns answers into endpoints.
//
// A source does no I/O: it gets a function that asks, so a test can give the
// answers.  It remembers what it learned last.
//
// Threads: one at a time.
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
  // The smallest TTL of all records used.
  absl::Duration ttl = absl::InfiniteDuration();
  // Not OK when a part could not be learned; the list then contains what was
  // known of that part before.
  absl::Status error;
};

class DnsSource {
 public:
  virtual ~DnsSource() = default;

  // "dns+srv:///_grpc._tcp.users.example".
  virtual std::string name() const = 0;

  // NOT_FOUND when the name or its records do not exist.  Any other error means
  // that nothing was learned.
  virtual absl::StatusOr<DnsResolution> Resolve(AskDns ask) = 0;
};

// `status` with the question in front of its text: "SRV _grpc._tcp.a: timeout".
absl::Status WithQuestion(const DnsQuestion& question,
                          const absl::Status& status);

// INVALID_ARGUMENT unless `name` may be asked for.  It must be a host name, not
// an address; "_service._protocol." may precede it.
absl::Status CheckDnsName(absl::string_view name);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_SOURCE_H_

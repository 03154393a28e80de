// DnsClient: asks DNS servers through c-ares.
//
// An answer that does not fit a datagram is asked for again over TCP.  Without
// configured servers the client asks the system's (it reads /etc/resolv.conf
// for each batch), applies the system's search list, and takes addresses from
// /etc/hosts, as gRPC's own resolver does.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_
#define MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/records.h"
#include "multi_backend/resolver/source/thread.h"

namespace multi_backend {

struct DnsClientOptions {
  // "192.0.2.1:53,[2001:db8::1]:5353": at most 8 addresses, each with an
  // optional port (default 53).  "" = the system's servers.
  std::string servers;
  // How long the first of the `tries` waits for a server's answer; each further
  // one waits twice as long as the one before.
  absl::Duration timeout = absl::Seconds(2);
  int tries = 3;
  // A bound for all questions of one Ask() together.
  absl::Duration total_timeout = absl::Seconds(30);
};

class DnsClient {
 public:
  // INVALID_ARGUMENT when `servers` is malformed.
  static absl::StatusOr<DnsClient> Make(const DnsClientOptions& options);

  // Asks all questions and blocks until all are answered or given up.  Returns
  // one result for each question, in order; at most 64 questions are under way
  // at a time.  Errors name the system's servers when those were asked.
  // CANCELLED once `signal` is stopped.
  std::vector<DnsResult> Ask(const std::vector<DnsQuestion>& questions,
                             SourceThread::Signal& signal) const;

 private:
  explicit DnsClient(DnsClientOptions options);

  DnsClientOptions options_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_

// DnsClient: asks DNS servers, through c-ares.
//
// Answers that do not fit a datagram are asked for again over TCP.  Without
// servers of its own it asks the system's (/etc/resolv.conf, read anew for each
// batch), applies their search list, and takes addresses that /etc/hosts has,
// as gRPC's own resolver does.
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
  // "192.0.2.1:53,[2001:db8::1]:5353": at most 8 addresses, the port is 53
  // where it is left out.  "" = the system's.
  std::string servers;
  // How long to wait for a server's first answer; each of the `tries` waits
  // twice as long as the one before.
  absl::Duration timeout = absl::Seconds(2);
  int tries = 3;
  // Of all questions of one Ask() together.
  absl::Duration total_timeout = absl::Seconds(30);
};

class DnsClient {
 public:
  // INVALID_ARGUMENT: `servers` cannot be read.
  static absl::StatusOr<DnsClient> Make(const DnsClientOptions& options);

  // Blocks.  Errors name the system's servers when those were asked.  One
  // result a question, in order; at most 64 questions are under
  // way at a time.  CANCELLED once `signal` is stopped.
  std::vector<DnsResult> Ask(const std::vector<DnsQuestion>& questions,
                             SourceThread::Signal& signal) const;

 private:
  explicit DnsClient(DnsClientOptions options);

  DnsClientOptions options_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_CLIENT_H_

// DnsHostAddresses: host names -> their A and AAAA addresses.
//
// A question that could not be answered leaves what it gave last: half an
// answer (A learned, AAAA timed out) loses no address.  Thread-compatible.
#ifndef MULTI_BACKEND_RESOLVER_DNS_HOST_ADDRESSES_H_
#define MULTI_BACKEND_RESOLVER_DNS_HOST_ADDRESSES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/records.h"

namespace multi_backend {

class DnsHostAddresses {
 public:
  struct Resolved {
    // Sorted, IPv4 first; empty for a host that has none or is not known.
    std::map<std::string, std::vector<std::string>> addresses;
    absl::Duration ttl = absl::InfiniteDuration();
    // The first question that could not be answered, with its name.
    absl::Status error;
    bool anything_learned = false;
  };

  // Asks for each host once; forgets all others.
  Resolved Resolve(const std::vector<std::string>& hosts, AskDns ask);

 private:
  // By host; the addresses of one family.
  using Known = std::map<std::string, std::vector<std::string>>;

  Known v4_;
  Known v6_;
};

// Bytewise, IPv4 before IPv6; each once.  Servers turn the order of records
// from answer to answer, which must not look like a change.
void SortAddresses(std::vector<std::string>& addresses);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_HOST_ADDRESSES_H_

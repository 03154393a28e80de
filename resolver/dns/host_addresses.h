// DnsHostAddresses: resolves host names to their A and AAAA addresses.
//
// When a question could not be answered, the addresses from its last answer
// stay.  So half an answer (A learned, AAAA timed out) loses no address.
//
// Thread-compatible.  Memory: the addresses of the hosts of the last Resolve().
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
    // By host.  Sorted, IPv4 first; empty for a host without known addresses.
    std::map<std::string, std::vector<std::string>> addresses;
    absl::Duration ttl = absl::InfiniteDuration();
    // The error of the first question that could not be answered, with its
    // name.
    absl::Status error;
    bool anything_learned = false;
  };

  // Asks once for each host and family, except for those of which `learned` has
  // an address: a server that adds the A records of a host to another answer
  // may leave its AAAA records out (RFC 2181, section 9).  Forgets all other
  // hosts.
  Resolved Resolve(const std::vector<std::string>& hosts,
                   const std::vector<DnsAddress>& learned, AskDns ask);

 private:
  // The addresses of one family, by host.
  using Known = std::map<std::string, std::vector<std::string>>;

  Known v4_;
  Known v6_;
};

// Sorts bytewise, IPv4 before IPv6, and removes duplicates.  Servers change the
// order of records from answer to answer, which must not look like a change.
void SortAddresses(std::vector<std::string>& addresses);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_HOST_ADDRESSES_H_

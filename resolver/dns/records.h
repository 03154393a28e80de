// Reads DNS answers: from the packet to the records that sources use, with
// their TTLs.
//
// c-ares sends the questions, but does not report the TTLs of SRV and TXT
// records.  So answers are read by the C library's reader (ns_initparse,
// ns_parserr).
//
// Pure and thread-safe.  Any bytes may be given.
#ifndef MULTI_BACKEND_RESOLVER_DNS_RECORDS_H_
#define MULTI_BACKEND_RESOLVER_DNS_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace multi_backend {

enum class DnsType { kA, kAaaa, kSrv, kTxt };

// "A", "AAAA", "SRV", "TXT".
absl::string_view DnsTypeName(DnsType type);

struct DnsQuestion {
  std::string name;
  DnsType type = DnsType::kA;

  bool operator==(const DnsQuestion& other) const {
    return name == other.name && type == other.type;
  }
};

// An A or AAAA record.
struct DnsAddress {
  std::string owner;  // Lower case, no final dot.
  std::string ip;
  absl::Duration ttl;
};

struct DnsService {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;  // Lower case, no final dot; "" = no service (RFC 2782).
};

// The records of class IN; records of other types are left out.
struct DnsAnswer {
  std::vector<DnsAddress> addresses;
  std::vector<DnsService> services;
  std::vector<std::string> texts;  // The strings of each record, joined.
  // The smallest TTL in the answer section, including CNAMEs.
  absl::Duration ttl = absl::InfiniteDuration();
  // The addresses in the additional section.
  std::vector<DnsAddress> additional;
};

// INVALID_ARGUMENT when the packet is malformed.
absl::StatusOr<DnsAnswer> ParseDnsAnswer(const unsigned char* packet,
                                         size_t size);

// The result of a question.  OK: an answer with records of the type asked for.
// NOT_FOUND: the name, or such records, do not exist.  Any other error: the
// answer is not known.
using DnsResult = absl::StatusOr<DnsAnswer>;

// Asks all questions; returns one result for each, in their order.
using AskDns =
    absl::FunctionRef<std::vector<DnsResult>(const std::vector<DnsQuestion>&)>;

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_RECORDS_H_

#include "multi_backend/resolver/dns/records.h"

// These come before resolv.h, which does not include what it needs.
#include <netinet/in.h>
#include <sys/types.h>
// Now the reader itself.
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

// RFC 2181, section 8: a TTL with the highest bit set is 0.
constexpr uint32_t kMaxTtlSeconds = 0x7fffffff;
// The size of an SRV record's RDATA before its target.
constexpr size_t kSrvFixedSize = 6;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("malformed DNS answer: ", what));
}

std::string NormalName(absl::string_view name) {
  absl::ConsumeSuffix(&name, ".");
  return absl::AsciiStrToLower(name);
}

absl::Duration TtlOf(const ns_rr& record) {
  const uint32_t seconds = ns_rr_ttl(record);
  return seconds > kMaxTtlSeconds ? absl::ZeroDuration()
                                  : absl::Seconds(seconds);
}

absl::Status ReadAddress(const ns_rr& record, int family,
                         std::vector<DnsAddress>& addresses) {
  const size_t size = family == AF_INET ? 4 : 16;
  if (ns_rr_rdlen(record) != size) return Malformed("size of an address");
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, ns_rr_rdata(record), text, sizeof(text));
  addresses.push_back({NormalName(ns_rr_name(record)), text, TtlOf(record)});
  return absl::OkStatus();
}

absl::Status ReadService(const ns_msg& message, const ns_rr& record,
                         std::vector<DnsService>& services) {
  const unsigned char* const data = ns_rr_rdata(record);
  if (ns_rr_rdlen(record) < kSrvFixedSize + 1) {
    return Malformed("size of an SRV record");
  }
  char target[NS_MAXDNAME];
  const int size = dn_expand(ns_msg_base(message), ns_msg_end(message),
                             data + kSrvFixedSize, target, sizeof(target));
  if (size < 0 || kSrvFixedSize + size != ns_rr_rdlen(record)) {
    return Malformed("target of an SRV record");
  }
  const auto number = [data](size_t at) {
    return static_cast<uint16_t>(data[at] << 8 | data[at + 1]);
  };
  services.push_back({number(0), number(2), number(4), NormalName(target)});
  return absl::OkStatus();
}

absl::Status ReadText(const ns_rr& record, std::vector<std::string>& texts) {
  const unsigned char* data = ns_rr_rdata(record);
  const unsigned char* const end = data + ns_rr_rdlen(record);
  std::string text;
  while (data < end) {
    const size_t size = *data++;
    if (size > static_cast<size_t>(end - data)) {
      return Malformed("string of a TXT record");
    }
    text.append(reinterpret_cast<const char*>(data), size);
    data += size;
  }
  texts.push_back(std::move(text));
  return absl::OkStatus();
}

absl::Status ReadAnswerRecord(const ns_msg& message, const ns_rr& record,
                              DnsAnswer& answer) {
  switch (ns_rr_type(record)) {
    case ns_t_a:
      return ReadAddress(record, AF_INET, answer.addresses);
    case ns_t_aaaa:
      return ReadAddress(record, AF_INET6, answer.addresses);
    case ns_t_srv:
      return ReadService(message, record, answer.services);
    case ns_t_txt:
      return ReadText(record, answer.texts);
    default:
      return absl::OkStatus();
  }
}

absl::Status ReadAdditionalRecord(const ns_rr& record, DnsAnswer& answer) {
  switch (ns_rr_type(record)) {
    case ns_t_a:
      return ReadAddress(record, AF_INET, answer.additional);
    case ns_t_aaaa:
      return ReadAddress(record, AF_INET6, answer.additional);
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::string_view DnsTypeName(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return "A";
    case DnsType::kAaaa:
      return "AAAA";
    case DnsType::kSrv:
      return "SRV";
    case DnsType::kTxt:
      return "TXT";
  }
  return "?";
}

absl::StatusOr<DnsAnswer> ParseDnsAnswer(const unsigned char* packet,
                                         size_t size) {
  // No packet is longer, and the reader counts in int.
  if (size > NS_MAXMSG) return Malformed("too long");
  ns_msg message;
  if (ns_initparse(packet, static_cast<int>(size), &message) != 0) {
    return Malformed("sections");
  }
  DnsAnswer answer;
  ns_rr record;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) {
      return Malformed("answer section");
    }
    if (ns_rr_class(record) != ns_c_in) continue;
    const absl::Status status = ReadAnswerRecord(message, record, answer);
    if (!status.ok()) return status;
    answer.ttl = std::min(answer.ttl, TtlOf(record));
  }
  for (int i = 0; i < ns_msg_count(message, ns_s_ar); ++i) {
    if (ns_parserr(&message, ns_s_ar, i, &record) != 0) {
      return Malformed("additional section");
    }
    // In an OPT record the field of the class means something else.
    if (ns_rr_class(record) != ns_c_in) continue;
    const absl::Status status = ReadAdditionalRecord(record, answer);
    if (!status.ok()) return status;
  }
  return answer;
}

}  // namespace multi_backend

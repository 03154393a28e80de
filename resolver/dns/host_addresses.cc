#include "multi_backend/resolver/dns/host_addresses.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "multi_backend/resolver/dns/source.h"

namespace multi_backend {
namespace {

bool IsIpv6(const std::string& ip) { return ip.find(':') != std::string::npos; }

}  // namespace

DnsHostAddresses::Resolved DnsHostAddresses::Resolve(
    const std::vector<std::string>& hosts,
    const std::vector<DnsAddress>& learned, AskDns ask) {
  Resolved resolved;
  Known v4;
  Known v6;
  for (const DnsAddress& address : learned) {
    (IsIpv6(address.ip) ? v6 : v4)[address.owner].push_back(address.ip);
  }
  std::vector<DnsQuestion> questions;
  for (const std::string& host : hosts) {
    if (v4.count(host) == 0) questions.push_back({host, DnsType::kA});
    if (v6.count(host) == 0) questions.push_back({host, DnsType::kAaaa});
    resolved.anything_learned |= v4.count(host) + v6.count(host) > 0;
  }
  for (const DnsAddress& address : learned) {
    resolved.ttl = std::min(resolved.ttl, address.ttl);
  }
  const std::vector<DnsResult> results = ask(questions);
  for (size_t i = 0; i < questions.size(); ++i) {
    const DnsQuestion& question = questions[i];
    const bool is_v4 = question.type == DnsType::kA;
    std::vector<std::string>& known = (is_v4 ? v4 : v6)[question.name];
    if (results[i].ok()) {
      for (const DnsAddress& address : results[i]->addresses) {
        known.push_back(address.ip);
      }
      resolved.ttl = std::min(resolved.ttl, results[i]->ttl);
      resolved.anything_learned = true;
    } else if (absl::IsNotFound(results[i].status())) {
      resolved.anything_learned = true;
    } else {
      known = std::move((is_v4 ? v4_ : v6_)[question.name]);
      resolved.error.Update(WithQuestion(question, results[i].status()));
    }
  }
  for (const std::string& host : hosts) {
    std::vector<std::string>& all = resolved.addresses[host];
    for (const Known* known : {&v4, &v6}) {
      const std::vector<std::string>& addresses = known->at(host);
      all.insert(all.end(), addresses.begin(), addresses.end());
    }
    SortAddresses(all);
  }
  v4_ = std::move(v4);
  v6_ = std::move(v6);
  return resolved;
}

void SortAddresses(std::vector<std::string>& addresses) {
  const auto before = [](const std::string& a, const std::string& b) {
    return IsIpv6(a) != IsIpv6(b) ? IsIpv6(b) : a < b;
  };
  std::sort(addresses.begin(), addresses.end(), before);
  addresses.erase(std::unique(addresses.begin(), addresses.end()),
                  addresses.end());
}

}  // namespace multi_backend

#include "multi_backend/resolver/dns/host_addresses.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "multi_backend/resolver/dns/source.h"

namespace multi_backend {

DnsHostAddresses::Resolved DnsHostAddresses::Resolve(
    const std::vector<std::string>& hosts, AskDns ask) {
  std::vector<DnsQuestion> questions;
  questions.reserve(2 * hosts.size());
  for (const std::string& host : hosts) {
    questions.push_back({host, DnsType::kA});
    questions.push_back({host, DnsType::kAaaa});
  }
  const std::vector<DnsResult> results = ask(questions);
  Resolved resolved;
  Known v4;
  Known v6;
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
    std::vector<std::string>& all = resolved.addresses[question.name];
    all.insert(all.end(), known.begin(), known.end());
  }
  for (auto& host : resolved.addresses) SortAddresses(host.second);
  v4_ = std::move(v4);
  v6_ = std::move(v6);
  return resolved;
}

void SortAddresses(std::vector<std::string>& addresses) {
  const auto before = [](const std::string& a, const std::string& b) {
    const bool a_is_v6 = a.find(':') != std::string::npos;
    const bool b_is_v6 = b.find(':') != std::string::npos;
    return a_is_v6 != b_is_v6 ? b_is_v6 : a < b;
  };
  std::sort(addresses.begin(), addresses.end(), before);
  addresses.erase(std::unique(addresses.begin(), addresses.end()),
                  addresses.end());
}

}  // namespace multi_backend

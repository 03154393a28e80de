#include "multi_backend/resolver/dns/text_source.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/text_record.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// Bytes of a record that an error text quotes.
constexpr size_t kMaxQuoted = 60;

}  // namespace

absl::StatusOr<std::unique_ptr<DnsSource>> DnsTextSource::Make(
    absl::string_view name, EndpointPolicy policy, DnsTextMapping mapping) {
  const absl::Status status = CheckDnsName(name);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("dns+txt target: ", status.message()));
  }
  if (mapping == nullptr) mapping = ParseTextRecord;
  return std::unique_ptr<DnsSource>(absl::WrapUnique(new DnsTextSource(
      std::string(name), std::move(policy), std::move(mapping))));
}

DnsTextSource::DnsTextSource(std::string name, EndpointPolicy policy,
                             DnsTextMapping mapping)
    : name_(std::move(name)),
      policy_(std::move(policy)),
      mapping_(std::move(mapping)) {}

absl::StatusOr<DnsResolution> DnsTextSource::Resolve(AskDns ask) {
  const DnsQuestion question = {name_, DnsType::kTxt};
  std::vector<DnsResult> results = ask({question});
  if (!results[0].ok()) return WithQuestion(question, results[0].status());
  std::vector<std::string>& texts = results[0]->texts;
  // Servers change the order of records, which must not look like a change.
  std::sort(texts.begin(), texts.end());
  EndpointAdmission admission(policy_, texts.size());
  for (const std::string& text : texts) {
    const std::string where = absl::StrCat("record ", Quoted(text, kMaxQuoted));
    auto endpoint = mapping_(text);
    if (endpoint.ok()) {
      admission.Offer(*std::move(endpoint), where);
    } else {
      admission.Refuse(where, endpoint.status().message());
    }
  }
  auto admitted = std::move(admission).Finish();
  if (!admitted.ok()) return WithQuestion(question, admitted.status());
  return DnsResolution{*std::move(admitted), results[0]->ttl, absl::OkStatus()};
}

}  // namespace multi_backend

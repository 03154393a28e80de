#include "multi_backend/resolver/dns/source.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/ip_address.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {

absl::Status WithQuestion(const DnsQuestion& question,
                          const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(DnsTypeName(question.type), " ",
                                   question.name, ": ", status.message()));
}

absl::Status CheckDnsName(absl::string_view name) {
  // "_grpc._tcp" alone names no host.
  absl::string_view last = absl::StripSuffix(name, ".");
  last.remove_prefix(last.rfind('.') + 1);
  // A name is what Endpoint accepts as a host; the port is arbitrary.
  const bool is_name = name.find(':') == absl::string_view::npos &&
                       !absl::StartsWith(last, "_") &&
                       Endpoint::Parse(absl::StrCat(name, ":1")).ok() &&
                       !IpAddress::Parse(name).has_value();
  if (is_name) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(name), " is not a DNS name"));
}

}  // namespace multi_backend

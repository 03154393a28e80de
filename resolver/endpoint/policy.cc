#include "multi_backend/resolver/endpoint/policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "multi_backend/proto/config/role_name.h"
#include "multi_backend/resolver/endpoint/ip_address.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// How much of a discovered text an error shows.

absl::StatusOr<std::vector<HostRule>> ParseRules(
    absl::string_view list, const std::vector<std::string>& texts) {
  std::vector<HostRule> rules;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto rule = HostRule::Parse(texts[i]);
    if (!rule.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(list, "[", i, "]: ", rule.status().message()));
    }
    rules.push_back(*std::move(rule));
  }
  return rules;
}

// Whether inet_aton() might read the name as an address: its last label is
// decimal, octal or hexadecimal ("0xa9fea9fe" is 169.254.169.254).
bool LooksLikeNumber(absl::string_view host) {
  absl::ConsumeSuffix(&host, ".");
  absl::string_view last = host.substr(host.rfind('.') + 1);
  if (absl::StartsWithIgnoreCase(last, "0x")) {
    last.remove_prefix(2);
    return std::all_of(last.begin(), last.end(), absl::ascii_isxdigit);
  }
  return !last.empty() &&
         std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
}

bool MatchesAny(const std::vector<HostRule>& rules, absl::string_view host,
                const absl::optional<IpAddress>& address) {
  return std::any_of(rules.begin(), rules.end(), [&](const HostRule& rule) {
    return rule.Matches(host, address);
  });
}

}  // namespace

void Refusals::Add(absl::string_view where, absl::string_view reason) {
  ++count;
  if (shown.size() >= kMostNamed) return;
  shown.push_back(absl::StrCat(Shortened(where), ": ", Shortened(reason)));
}

std::string Refusals::ToString() const {
  if (count == 0) return "";
  return absl::StrCat(count,
                      " refused: ", AbbreviatedList(count, "; ", [&](size_t i) {
                        return absl::string_view(shown[i]);
                      }));
}

absl::StatusOr<EndpointPolicy> EndpointPolicy::Make(const Options& options) {
  EndpointPolicy policy;
  policy.limits_ = options.limits;
  auto allow = ParseRules("allow", options.allow);
  if (!allow.ok()) return allow.status();
  auto deny = ParseRules("deny", options.deny);
  if (!deny.ok()) return deny.status();
  policy.allow_ = *std::move(allow);
  policy.deny_ = *std::move(deny);
  return policy;
}

std::string EndpointPolicy::ReasonToRefuse(const Endpoint& endpoint,
                                           absl::string_view name) const {
  std::string problem = ProblemOfHost(endpoint, name);
  return problem.empty() ? ProblemOfAttributes(endpoint) : problem;
}

std::string EndpointPolicy::ProblemOfHost(const Endpoint& endpoint,
                                          absl::string_view name) const {
  const auto address = IpAddress::Parse(endpoint.host);
  // The literal itself has been parsed; only a zone ("%eth0") may still hold
  // characters that no address has.
  if (!address.has_value() || endpoint.port == 0 ||
      absl::StrContains(endpoint.host, '%')) {
    const auto parsed = Endpoint::Parse(endpoint.address());
    if (!parsed.ok()) return std::string(parsed.status().message());
  }
  if (address.has_value()) {
    const absl::string_view kind = UndialableKind(*address);
    if (!kind.empty()) return absl::StrCat(kind, " address");
  } else if (LooksLikeNumber(endpoint.host)) {
    return "host name ends in a number";
  }
  const auto listed = [&](const std::vector<HostRule>& rules) {
    return MatchesAny(rules, endpoint.host, address) ||
           (!name.empty() && MatchesAny(rules, name, absl::nullopt));
  };
  if (listed(deny_)) return "host is on the deny list";
  if (!allow_.empty() && !listed(allow_)) {
    return "host is not on the allow list";
  }
  return "";
}

std::string EndpointPolicy::ProblemOfAttributes(
    const Endpoint& endpoint) const {
  if (endpoint.weight > kMaxEndpointWeight) {
    return absl::StrCat("weight must be 0..", kMaxEndpointWeight);
  }
  if (!endpoint.role.empty() &&
      (!IsValidRoleName(endpoint.role) || IsReservedRole(endpoint.role))) {
    return "role is not a role name";
  }
  if (endpoint.zone.size() > limits_.max_label_bytes) {
    return absl::StrCat("zone is longer than ", limits_.max_label_bytes,
                        " bytes");
  }
  if (endpoint.labels.size() > limits_.max_labels) {
    return absl::StrCat("more than ", limits_.max_labels, " labels");
  }
  for (const auto& label : endpoint.labels) {
    if (label.first.empty()) return "a label has no name";
    if (label.first.size() > limits_.max_label_bytes ||
        label.second.size() > limits_.max_label_bytes) {
      return absl::StrCat("a label's name or value is longer than ",
                          limits_.max_label_bytes, " bytes");
    }
  }
  return "";
}

std::string EndpointAdmission::ReasonOfTheList(const Endpoint& endpoint) {
  const size_t max_roles = policy_.limits().max_roles;
  const bool new_role =
      !endpoint.role.empty() && !roles_.contains(endpoint.role);
  if (new_role && roles_.size() >= max_roles) {
    return absl::StrCat("role \"", endpoint.role,
                        "\" is one too many: the list has ", max_roles,
                        " roles already");
  }
  if (!keys_.insert(endpoint.key()).second) return "the same address again";
  if (new_role) roles_.insert(endpoint.role);
  return "";
}

void EndpointAdmission::Offer(Endpoint endpoint, absl::string_view where,
                              absl::string_view name) {
  std::string reason = policy_.ReasonToRefuse(endpoint, name);
  if (reason.empty() && offered_ < policy_.limits().max_endpoints) {
    reason = ReasonOfTheList(endpoint);
  }
  if (!reason.empty()) {
    // The message of Parse() already has the address.
    const std::string place = absl::StrCat(where, where.empty() ? "" : " ",
                                           Excerpt(endpoint.address()));
    Refuse(absl::StartsWith(reason, "address ") ? where : place, reason);
    return;
  }
  ++offered_;
  if (offered_ > policy_.limits().max_endpoints) return;
  admitted_.endpoints.push_back(std::move(endpoint));
}

void EndpointAdmission::Refuse(absl::string_view where,
                               absl::string_view reason) {
  ++offered_;
  admitted_.refused.Add(where, reason);
}

absl::StatusOr<AdmittedEndpoints> EndpointAdmission::Finish() && {
  if (offered_ > policy_.limits().max_endpoints) {
    return absl::ResourceExhaustedError(
        absl::StrCat(offered_, " endpoints, at most ",
                     policy_.limits().max_endpoints, " are allowed"));
  }
  return std::move(admitted_);
}

}  // namespace multi_backend

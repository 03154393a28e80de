#include "multi_backend/resolver/endpoint/host_rule.h"

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

// How much of a malformed rule an error shows.
constexpr size_t kMaxQuoted = 100;
// The bits of an IPv4-mapped IPv6 prefix before the IPv4 address.
constexpr size_t kMappedBits = 96;

absl::Status BadRule(absl::string_view text, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("host rule ", Quoted(text, kMaxQuoted), ": ", problem));
}

}  // namespace

absl::StatusOr<HostRule> HostRule::Parse(absl::string_view text) {
  HostRule rule;
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  rule.network_ = IpAddress::Parse(host);
  if (slash != absl::string_view::npos) {
    uint32_t length = 0;
    const absl::string_view digits = text.substr(slash + 1);
    if (!rule.network_.has_value()) {
      return BadRule(text, "no IP address before \"/\"");
    }
    if (digits.empty() || digits.size() > 3 ||
        digits.find_first_not_of("0123456789") != absl::string_view::npos ||
        !absl::SimpleAtoi(digits, &length)) {
      return BadRule(text, "no prefix length after \"/\"");
    }
    const bool mapped =
        rule.network_->is_v4 && host.find(':') != absl::string_view::npos;
    const uint32_t skipped = mapped ? kMappedBits : 0;
    if (length < skipped || length - skipped > rule.network_->bits()) {
      return BadRule(text, absl::StrCat("prefix length must be ", skipped, "..",
                                        rule.network_->bits() + skipped));
    }
    rule.length_ = length - skipped;
    return rule;
  }
  if (rule.network_.has_value()) {
    rule.length_ = rule.network_->bits();
    return rule;
  }
  absl::string_view name = text;
  if (!absl::ConsumePrefix(&name, "*.")) absl::ConsumePrefix(&name, ".");
  absl::ConsumeSuffix(&name, ".");
  // Parse() requires a port.
  if (!Endpoint::Parse(absl::StrCat(name, ":1")).ok()) {
    return BadRule(text, "neither an IP address, a network, nor a host name");
  }
  rule.name_ = absl::AsciiStrToLower(name);
  return rule;
}

bool HostRule::Matches(absl::string_view host,
                       const absl::optional<IpAddress>& address) const {
  if (network_.has_value()) {
    return address.has_value() && address->IsIn(*network_, length_);
  }
  if (address.has_value()) return false;
  absl::ConsumeSuffix(&host, ".");
  if (!absl::EndsWithIgnoreCase(host, name_)) return false;
  return host.size() == name_.size() ||
         host[host.size() - name_.size() - 1] == '.';
}

}  // namespace multi_backend

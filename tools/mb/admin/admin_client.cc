#include "multi_backend/tools/mb/admin/admin_client.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace mb {
namespace {

bool IsUrl(absl::string_view address) {
  return absl::StartsWith(address, "http://") ||
         absl::StartsWith(address, "https://");
}

// "[::1]" of "http://[::1]:80/x".
absl::string_view HostOf(absl::string_view address) {
  const size_t scheme = address.find("://");
  if (scheme != absl::string_view::npos) address.remove_prefix(scheme + 3);
  address = address.substr(0, address.find('/'));
  if (absl::StartsWith(address, "[")) {
    return address.substr(0, address.find(']') + 1);
  }
  return address.substr(0, address.rfind(':'));
}

// Whether the host of "host:port", "unix:/path" or a URL is this machine.
bool IsThisMachine(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  const absl::string_view host = HostOf(address);
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

absl::Status CheckAddress(const AdminAddress& address) {
  const std::string& text = address.address;
  if (absl::StrContains(text, '@')) {
    // Without the address, which may have a password in it.
    return absl::InvalidArgumentError(
        "the address has an \"@\": give the token with --token-file");
  }
  const bool has_scheme = absl::StrContains(text, "://");
  if (text.empty() || (has_scheme && !IsUrl(text)) ||
      (!has_scheme && !absl::StartsWith(text, "unix:") &&
       !absl::StrContains(text, ':'))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address \"", text,
        "\": write host:port for the admin service, or http://host:port for "
        "the status page"));
  }
  const bool encrypted = IsUrl(text) ? absl::StartsWith(text, "https:")
                                     : address.tls || !address.ca_pem.empty();
  if (!address.token.empty() && !encrypted && !IsThisMachine(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token would cross the network in the clear: ",
                     IsUrl(text) ? "write https://" : "add --tls or --ca"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminClient>> MakeAdminClient(
    const AdminAddress& address) {
  const absl::Status status = CheckAddress(address);
  if (!status.ok()) return status;
  return IsUrl(address.address) ? MakeHttpAdminClient(address)
                                : MakeGrpcAdminClient(address);
}

}  // namespace mb
}  // namespace multi_backend

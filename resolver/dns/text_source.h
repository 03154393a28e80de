// DnsTextSource: the source of `dns+txt://[server:port]/name`.  Each TXT record
// is one endpoint, read as resolver/endpoint/text_record.h says, or by a
// function of the application.
//
// Threads: as DnsSource.
#ifndef MULTI_BACKEND_RESOLVER_DNS_TEXT_SOURCE_H_
#define MULTI_BACKEND_RESOLVER_DNS_TEXT_SOURCE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "multi_backend/resolver/dns/source.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/endpoint/policy.h"

namespace multi_backend {

// Turns the text of one record (its strings joined) into an endpoint.  An error
// drops the record, which is then counted and shown.  Called on the source's
// thread.
using DnsTextMapping =
    std::function<absl::StatusOr<Endpoint>(absl::string_view record)>;

class DnsTextSource final : public DnsSource {
 public:
  // A null `mapping` means ParseTextRecord().  INVALID_ARGUMENT when `name` is
  // not a DNS name.
  static absl::StatusOr<std::unique_ptr<DnsSource>> Make(
      absl::string_view name, EndpointPolicy policy,
      DnsTextMapping mapping = nullptr);

  std::string name() const override { return name_; }
  absl::StatusOr<DnsResolution> Resolve(AskDns ask) override;

 private:
  DnsTextSource(std::string name, EndpointPolicy policy,
                DnsTextMapping mapping);

  const std::string name_;
  const EndpointPolicy policy_;
  const DnsTextMapping mapping_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_TEXT_SOURCE_H_

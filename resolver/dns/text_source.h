// DnsTextSource: `dns+txt://[server:port]/name`.  One endpoint in each TXT
// record, as resolver/endpoint/text_record.h says, or as the application's own
// function reads it.
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

// The text of one record (its strings joined) -> an endpoint; an error drops,
// counts and shows the record.  Called on the source's thread.
using DnsTextMapping =
    std::function<absl::StatusOr<Endpoint>(absl::string_view record)>;

class DnsTextSource final : public DnsSource {
 public:
  // `mapping`: null = ParseTextRecord.  INVALID_ARGUMENT: no DNS name.
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

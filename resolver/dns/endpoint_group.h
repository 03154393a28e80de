// Endpoint groups whose endpoints come from DNS.
//
//   auto group = DnsServiceEndpointGroup::Make("_grpc._tcp.users.example");
//
// The group asks again after 80 to 95 % of the smallest TTL of the answer, kept
// within min_ttl and max_ttl.  The share is random, so that clients do not all
// ask at once.  After a failure the list stays, and the next question comes
// after a backoff.  A name that does not exist, or has no records, counts as a
// failure unless `empty` says otherwise, because it is more often a mistake.
//
// The group uses what it knows.  When one question of several has no answer
// 150 ms after the others, for instance AAAA, the list has what the others said
// and what was known of that part before; the rest joins when it comes.
//
// Endpoints are sorted, because servers change the order of records from answer
// to answer.
//
// Threads: each group has a thread of its own, which ends with Close() or with
// the group.
#ifndef MULTI_BACKEND_RESOLVER_DNS_ENDPOINT_GROUP_H_
#define MULTI_BACKEND_RESOLVER_DNS_ENDPOINT_GROUP_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/dns/client.h"
#include "multi_backend/resolver/dns/source.h"
#include "multi_backend/resolver/dns/text_source.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/groups/discovered_endpoint_group.h"
#include "multi_backend/resolver/groups/endpoint_group.h"
#include "multi_backend/resolver/source/backoff.h"
#include "multi_backend/resolver/source/thread.h"

namespace multi_backend {

struct DnsSourceOptions {
  DnsClientOptions client;
  EndpointPolicy policy;
  absl::Duration min_ttl = absl::Seconds(1);  // At least 10 ms.
  absl::Duration max_ttl = absl::InfiniteDuration();
  // After questions that brought nothing that can be used.  With the default of
  // DnsClientOptions::timeout, a server that is back after an outage is asked
  // within 5 s, whether it refused or was silent.
  BackoffOptions backoff = {absl::Seconds(1), absl::Seconds(4), 0.2};
  // After questions that brought a list, but of which one got no answer, and
  // between refreshes that were requested and brought nothing new.
  BackoffOptions refresh_backoff;
  EmptyAnswer empty = EmptyAnswer::kKeepsTheList;
};

// What the three factories below make.
class DnsEndpointGroup final : public DiscoveredEndpointGroup {
 public:
  // `scheme` is for texts: "dns+srv".  INVALID_ARGUMENT: malformed servers.
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view scheme, std::unique_ptr<DnsSource> source,
      DnsSourceOptions options);
  ~DnsEndpointGroup() override;

  // Asks again now, but not within min_ttl of the last question and not before
  // a backoff is over.  A backoff follows a failure, and also an answer that
  // was requested this way and brought nothing new.
  void RequestRefresh() override { thread_.Wake(); }

 protected:
  std::string Name() const override { return name_; }
  void OnClose() override { thread_.Stop(); }

 private:
  DnsEndpointGroup(std::string name, std::unique_ptr<DnsSource> source,
                   DnsClient client, DnsSourceOptions options);

  // Runs on the group's thread.
  void Follow();
  // Waits for an answer that is under way until it is time to ask again.
  // Returns whether one has come; `woken` says whether a refresh was requested.
  bool AwaitAnswer(absl::Time next, absl::Time earliest,
                   SourceThread::Signal& signal, bool& woken);
  // Publishes a resolution.  Returns false when the callback of a watch has
  // ended the group.
  bool Apply(absl::StatusOr<DnsResolution> resolution,
             const SourceThread::Signal& signal);

  const std::string name_;
  const std::unique_ptr<DnsSource> source_;  // Used by the thread only.
  DnsClient client_;                         // Used by the thread only.
  const DnsSourceOptions options_;
  SourceThread thread_;
};

// The A and AAAA records of a host: "users.example:50051".
struct DnsAddressEndpointGroup {
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view address, DnsSourceOptions options = {});
};

// SRV records; service_source.h says what they become.
struct DnsServiceEndpointGroup {
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view service, DnsSourceOptions options = {});
};

// TXT records.  With a null `mapping` they are read as
// resolver/endpoint/text_record.h says.
struct DnsTextEndpointGroup {
  static absl::StatusOr<std::shared_ptr<EndpointGroup>> Make(
      absl::string_view name, DnsSourceOptions options = {},
      DnsTextMapping mapping = nullptr);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_RESOLVER_DNS_ENDPOINT_GROUP_H_

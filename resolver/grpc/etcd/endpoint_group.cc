#include "multi_backend/resolver/grpc/etcd/endpoint_group.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/grpc/etcd/session.h"
#include "multi_backend/resolver/grpc/etcd/stoppable_calls.h"
#include "multi_backend/resolver/source/server_rotation.h"

namespace multi_backend {
namespace {

using std::chrono::steady_clock;

// The number of keys in one answer.  1,000 usual keys take 100 KB, and gRPC
// refuses answers above 4 MB.  If that happens, the pages become smaller: the
// largest value that etcd takes (1.5 MB by default) fits.
constexpr int64_t kPageKeys = 1000;
constexpr int64_t kPageDivisor = 8;
// A burst of changes is over when nothing came for kQuiet.  Its list is
// published after kLongestBurst in any case.
constexpr absl::Duration kQuiet = absl::Milliseconds(20);
constexpr absl::Duration kLongestBurst = absl::Milliseconds(500);

absl::Status TooMany(size_t count, size_t limit) {
  return absl::ResourceExhaustedError(
      absl::StrCat(count, " endpoints, at most ", limit, " are allowed"));
}

absl::Duration Until(steady_clock::time_point end) {
  return absl::FromChrono(end - steady_clock::now());
}

void ApplyEvent(const etcd::Event& event, EtcdRecords& records) {
  if (event.type() == etcd::Event::DELETE) {
    records.Delete(event.kv().key());
  } else {
    records.Put(event.kv().key(), event.kv().value());
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<EndpointGroup>> EtcdEndpointGroup::Make(
    absl::string_view servers, absl::string_view prefix,
    EtcdSourceOptions options) {
  auto list = ParseEtcdServers(servers);
  if (!list.ok()) return list.status();
  if (prefix.empty()) {
    return absl::InvalidArgumentError("etcd: the prefix is empty");
  }
  std::shared_ptr<EtcdEndpointGroup> group =
      absl::WrapUnique(new EtcdEndpointGroup(
          {*std::move(list), std::string(prefix)}, std::move(options)));
  EtcdEndpointGroup* const raw = group.get();
  raw->thread_.Start("mb_etcd", [raw] { raw->Follow(); });
  return std::shared_ptr<EndpointGroup>(std::move(group));
}

EtcdEndpointGroup::EtcdEndpointGroup(EtcdTarget target,
                                     EtcdSourceOptions options)
    : DiscoveredEndpointGroup(options.empty),
      target_(std::move(target)),
      options_(std::move(options)),
      calls_(std::make_shared<StoppableCalls>()) {}

EtcdEndpointGroup::~EtcdEndpointGroup() { OnClose(); }

void EtcdEndpointGroup::OnClose() {
  calls_->Stop();
  thread_.Stop();
}

void EtcdEndpointGroup::Follow() {
  const std::shared_ptr<StoppableCalls> calls = calls_;
  ServerRotation rotation(target_.servers, options_.client.backoff);
  while (!calls->stopped()) {
    const auto start = steady_clock::now();
    const absl::Status status = FollowServer(rotation.server(), *calls);
    // The callback of a watch may have ended this group, here and below.
    if (calls->stopped()) return;
    Fail(status);
    if (calls->stopped()) return;
    calls->Wait(rotation.Failed(absl::FromChrono(steady_clock::now() - start)));
  }
}

absl::Status EtcdEndpointGroup::FollowServer(const Endpoint& server,
                                             StoppableCalls& calls) {
  EtcdSession session(server, options_.client, calls);
  absl::Status status = session.Authenticate();
  if (!status.ok()) return status;
  EtcdRecords records(options_.policy);
  const auto revision = ReadAll(session, records);
  if (!revision.ok()) return revision.status();
  status = Apply(records, calls);
  if (!status.ok()) return status;
  status = session.Watch(target_.prefix, *revision + 1);
  return status.ok() ? FollowEvents(session, records, calls) : status;
}

absl::StatusOr<int64_t> EtcdEndpointGroup::ReadAll(EtcdSession& session,
                                                   EtcdRecords& records) {
  const size_t limit = options_.policy.limits().max_endpoints;
  etcd::RangeRequest request;
  request.set_key(target_.prefix);
  request.set_range_end(EndOfPrefix(target_.prefix));
  request.set_limit(kPageKeys);
  while (true) {
    const auto page = session.Range(request);
    if (absl::IsResourceExhausted(page.status()) && request.limit() > 1) {
      request.set_limit(std::max<int64_t>(request.limit() / kPageDivisor, 1));
      continue;
    }
    if (!page.ok()) return page.status();
    // Checked before the remaining pages are fetched for nothing.
    if (page->count() > static_cast<int64_t>(limit)) {
      return TooMany(page->count(), limit);
    }
    for (const etcd::KeyValue& entry : page->kvs()) {
      if (entry.key() < request.key()) {
        return absl::InternalError("the keys are not in order");
      }
      records.Put(entry.key(), entry.value());
    }
    // All pages are read at the revision of the first one.
    if (request.revision() == 0) {
      request.set_revision(page->header().revision());
    }
    if (!page->more() || page->kvs().empty()) return request.revision();
    request.set_key(page->kvs().rbegin()->key() + '\0');
  }
}

absl::Status EtcdEndpointGroup::FollowEvents(EtcdSession& session,
                                             EtcdRecords& records,
                                             StoppableCalls& calls) {
  const size_t limit = options_.policy.limits().max_endpoints;
  bool pending = false;
  steady_clock::time_point latest;
  while (true) {
    const auto events = session.NextEvents(
        pending ? std::min(kQuiet, Until(latest)) : absl::InfiniteDuration());
    if (!events.ok()) return events.status();
    if (events->has_value() && !(*events)->events().empty()) {
      if (!pending) {
        latest = steady_clock::now() + absl::ToChronoNanoseconds(kLongestBurst);
      }
      pending = true;
      for (const etcd::Event& event : (*events)->events()) {
        ApplyEvent(event, records);
      }
      if (records.size() > limit) return TooMany(records.size(), limit);
      if (steady_clock::now() < latest) continue;
    }
    if (!pending) continue;
    pending = false;
    const absl::Status status = Apply(records, calls);
    if (!status.ok()) return status;
  }
}

absl::Status EtcdEndpointGroup::Apply(const EtcdRecords& records,
                                      const StoppableCalls& calls) {
  auto admitted = records.Admit();
  if (!admitted.ok()) return admitted.status();
  Publish(*std::move(admitted));
  return calls.stopped() ? absl::CancelledError("stopped") : absl::OkStatus();
}

}  // namespace multi_backend

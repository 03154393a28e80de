#include "multi_backend/resolver/dns/endpoint_group.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/resolver/dns/address_source.h"
#include "multi_backend/resolver/dns/refresh_pace.h"
#include "multi_backend/resolver/dns/service_source.h"

namespace multi_backend {
namespace {

// Shorter would be a busy loop.
constexpr absl::Duration kShortestTtl = absl::Milliseconds(10);
absl::StatusOr<std::shared_ptr<EndpointGroup>> MakeGroup(
    absl::string_view scheme, absl::StatusOr<std::unique_ptr<DnsSource>> source,
    DnsSourceOptions options) {
  if (!source.ok()) return source.status();
  return DnsEndpointGroup::Make(scheme, *std::move(source), std::move(options));
}

}  // namespace

absl::StatusOr<std::shared_ptr<EndpointGroup>> DnsEndpointGroup::Make(
    absl::string_view scheme, std::unique_ptr<DnsSource> source,
    DnsSourceOptions options) {
  auto client = DnsClient::Make(options.client);
  if (!client.ok()) return client.status();
  options.min_ttl = std::max(options.min_ttl, kShortestTtl);
  std::string name =
      absl::StrCat(scheme, "://", options.client.servers, "/", source->name());
  std::shared_ptr<DnsEndpointGroup> group = absl::WrapUnique(
      new DnsEndpointGroup(std::move(name), std::move(source),
                           *std::move(client), std::move(options)));
  DnsEndpointGroup* const raw = group.get();
  raw->thread_.Start("mb_dns", [raw] { raw->Follow(); });
  return std::shared_ptr<EndpointGroup>(std::move(group));
}

DnsEndpointGroup::DnsEndpointGroup(std::string name,
                                   std::unique_ptr<DnsSource> source,
                                   DnsClient client, DnsSourceOptions options)
    : DiscoveredEndpointGroup(options.empty),
      name_(std::move(name)),
      source_(std::move(source)),
      client_(std::move(client)),
      options_(std::move(options)) {}

DnsEndpointGroup::~DnsEndpointGroup() { thread_.Stop(); }

void DnsEndpointGroup::Follow() {
  const std::shared_ptr<SourceThread::Signal> signal = thread_.signal();
  std::minstd_rand random{std::random_device()()};
  std::uniform_real_distribution<double> unit(0, 1);
  DnsRefreshPace pace(options_);
  const auto ask = [&](const std::vector<DnsQuestion>& questions) {
    return client_.Ask(questions, *signal);
  };
  bool woken = false;
  while (!signal->stopped()) {
    const absl::Time start = SteadyNow();
    const auto before = endpoints();
    const bool requested = std::exchange(woken, false);
    client_.BeginRound();
    DnsRefreshPace::Delays delays;
    // Once for the answers at hand, and again for each that comes later.
    do {
      auto resolution = source_->Resolve(ask);
      if (signal->stopped()) return;
      DnsRound round;
      round.under_way = client_.IsWaiting();
      round.requested = requested;
      if (resolution.ok()) {
        round.outcome = resolution->error.ok() ? DnsRound::Outcome::kComplete
                                               : DnsRound::Outcome::kPart;
        round.ttl = resolution->ttl;
      }
      if (!Apply(std::move(resolution), *signal)) return;
      round.changed = endpoints() != before;
      delays = pace.After(round, unit(random));
    } while (AwaitAnswer(start + delays.next, start + delays.earliest, *signal,
                         woken));
  }
}

bool DnsEndpointGroup::AwaitAnswer(absl::Time next, absl::Time earliest,
                                   SourceThread::Signal& signal, bool& woken) {
  if (woken) next = std::min(next, earliest);
  while (!signal.stopped()) {
    const absl::Duration left = next - SteadyNow();
    if (left <= absl::ZeroDuration()) break;
    const bool answered = client_.AwaitAnswer(left, signal);
    if (signal.TakeWake()) {
      woken = true;
      next = std::min(next, earliest);
    }
    if (answered) return !signal.stopped();
  }
  return false;
}

bool DnsEndpointGroup::Apply(absl::StatusOr<DnsResolution> resolution,
                             const SourceThread::Signal& signal) {
  if (!resolution.ok()) {
    const bool empty = absl::IsNotFound(resolution.status());
    if (empty && options_.empty == EmptyAnswer::kIsAList) {
      Publish({});
    } else {
      Fail(resolution.status());
    }
    return !signal.stopped();
  }
  Publish(std::move(resolution->admitted));
  if (signal.stopped()) return false;
  if (!resolution->error.ok()) Fail(resolution->error);
  return true;
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> DnsAddressEndpointGroup::Make(
    absl::string_view address, DnsSourceOptions options) {
  auto source = DnsAddressSource::Make(address, options.policy);
  return MakeGroup("dns+addr", std::move(source), std::move(options));
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> DnsServiceEndpointGroup::Make(
    absl::string_view service, DnsSourceOptions options) {
  auto source = DnsServiceSource::Make(service, options.policy);
  return MakeGroup("dns+srv", std::move(source), std::move(options));
}

absl::StatusOr<std::shared_ptr<EndpointGroup>> DnsTextEndpointGroup::Make(
    absl::string_view name, DnsSourceOptions options, DnsTextMapping mapping) {
  auto source = DnsTextSource::Make(name, options.policy, std::move(mapping));
  return MakeGroup("dns+txt", std::move(source), std::move(options));
}

}  // namespace multi_backend

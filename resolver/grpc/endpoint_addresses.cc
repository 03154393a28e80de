#include "multi_backend/resolver/grpc/endpoint_addresses.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/resolver/endpoint/abbreviated_list.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;

// A host name without an answer must not delay the others for c-ares' own two
// minutes.
constexpr int kHostQueryTimeoutMs = 5000;
// How long host names without an answer delay the addresses that are known.
constexpr absl::Duration kPatience = absl::Seconds(1);
// How long a channel without any address waits for more answers before its
// calls are told what is wrong.
constexpr absl::Duration kNoAddressPatience = absl::Seconds(6);
// The time between two reports, for each endpoint.  A report costs a few
// microseconds for each endpoint, and the answers of thousands of hosts must
// not each cause one.
constexpr absl::Duration kPausePerEndpoint = absl::Microseconds(20);

HostQueue::Options QueueOptions(const ChannelArgs& args) {
  HostQueue::Options options;
  const auto interval =
      args.GetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS);
  if (interval.has_value()) {
    options.min_interval = absl::Milliseconds(std::max(*interval, 0));
  }
  return options;
}

}  // namespace

// Passes a child resolver's answer on.  A resolver reports nothing after it was
// shut down, so the owner outlives every call.
class EndpointAddresses::HostResultHandler final
    : public grpc_core::Resolver::ResultHandler {
 public:
  HostResultHandler(EndpointAddresses* owner, std::string name)
      : owner_(owner), name_(std::move(name)) {}

  void ReportResult(grpc_core::Resolver::Result result) override {
    // A copy, because the answer ends the resolver, which owns this object.
    const std::string name = name_;
    owner_->OnAnswerLocked(name, std::move(result));
  }

 private:
  EndpointAddresses* const owner_;
  const std::string name_;
};

EndpointAddresses::EndpointAddresses(Args args)
    : args_(std::move(args)),
      self_(std::make_shared<Self>(Self{this})),
      endpoints_(std::make_shared<const EndpointList>()),
      queue_(QueueOptions(args_.channel_args)) {}

EndpointAddresses::~EndpointAddresses() {
  self_->self = nullptr;
  if (timer_.has_value()) engine_->Cancel(*timer_);
}

void EndpointAddresses::SetEndpointsLocked(
    std::shared_ptr<const EndpointList> endpoints, bool names_are_configured) {
  endpoints_ = std::move(endpoints);
  names_are_configured_ = names_are_configured;
  std::set<std::string> wanted;
  for (const Endpoint& endpoint : *endpoints_) {
    if (!endpoint.is_ip()) wanted.insert(endpoint.address());
  }
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    if (wanted.count(it->first) > 0) {
      ++it;
      continue;
    }
    if (!it->second.answered) --unanswered_;
    queue_.Remove(it->first);
    it = hosts_.erase(it);
  }
  const absl::Time now = SteadyNow();
  for (const std::string& name : wanted) {
    if (!hosts_.emplace(name, Host()).second) continue;
    ++unanswered_;
    queue_.Add(name, now);
  }
  if (!unreported_since_.has_value()) unreported_since_ = now;
  // A list is reported at once if nothing is missing.
  reported_at_ = absl::InfinitePast();
  ContinueLocked();
}

void EndpointAddresses::ContinueLocked() {
  const absl::Time now = SteadyNow();
  ResolveDueLocked(now);
  const bool report = ReportDueLocked() <= now;
  if (report) {
    unreported_since_.reset();
    reported_at_ = now;
  }
  SetTimerLocked(now);
  if (report) args_.on_change();
}

void EndpointAddresses::ResolveDueLocked(absl::Time now) {
  while (const auto name = queue_.TakeNext(now)) ResolveLocked(*name);
}

absl::Time EndpointAddresses::ReportDueLocked() const {
  if (!unreported_since_.has_value()) return absl::InfiniteFuture();
  if (unanswered_ == 0) {
    return reported_at_ +
           static_cast<int64_t>(endpoints_->size()) * kPausePerEndpoint;
  }
  // Without any address a report only says that there is none, and why.
  return *unreported_since_ +
         (AnyAddressLocked() ? kPatience : kNoAddressPatience);
}

bool EndpointAddresses::AnyAddressLocked() const {
  return std::any_of(
      endpoints_->begin(), endpoints_->end(), [this](const Endpoint& endpoint) {
        if (endpoint.is_ip()) return true;
        const auto host = hosts_.find(endpoint.address());
        return host != hosts_.end() && !host->second.addresses.empty();
      });
}

void EndpointAddresses::SetTimerLocked(absl::Time now) {
  const absl::Time at = std::min(queue_.next_due(), ReportDueLocked());
  if (at == timer_at_) return;
  if (timer_.has_value()) engine_->Cancel(*timer_);
  timer_.reset();
  timer_at_ = at;
  if (at == absl::InfiniteFuture()) return;
  if (engine_ == nullptr) {
    engine_ = grpc_event_engine::experimental::GetDefaultEventEngine();
  }
  const auto delay = std::max(at - now, absl::ZeroDuration());
  timer_ = engine_->RunAfter(
      absl::ToChronoNanoseconds(absl::Ceil(delay, absl::Milliseconds(1))),
      [owner = self_, at, serializer = args_.work_serializer] {
        core::CoreScope scope;
        serializer->Run(
            [owner, at] {
              EndpointAddresses* const self = owner->self;
              if (self == nullptr || self->timer_at_ != at) return;
              self->timer_.reset();
              self->timer_at_ = absl::InfiniteFuture();
              self->ContinueLocked();
            },
            DEBUG_LOCATION);
      });
}

void EndpointAddresses::ResolveLocked(const std::string& name) {
  Host& host = hosts_.at(name);
  host.resolver =
      grpc_core::CoreConfiguration::Get().resolver_registry().CreateResolver(
          absl::StrCat("dns:///", name),
          args_.channel_args.SetIfUnset(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS,
                                        kHostQueryTimeoutMs),
          args_.pollset_set, args_.work_serializer,
          std::make_unique<HostResultHandler>(this, name));
  if (host.resolver != nullptr) {
    host.resolver->StartLocked();
    return;
  }
  if (!host.answered) --unanswered_;
  host.answered = true;
  host.error = absl::InvalidArgumentError(
      absl::StrCat("core has no DNS resolver for ", name));
  queue_.OnAnswer(name, /*ok=*/true, SteadyNow(), /*unit=*/0);
}

void EndpointAddresses::OnAnswerLocked(const std::string& name,
                                       grpc_core::Resolver::Result result) {
  const auto found = hosts_.find(name);
  if (found == hosts_.end()) return;
  Host& host = found->second;
  absl::StatusOr<core::AddressList> addresses = core::TakeAddresses(result);
  absl::Status error = addresses.status();
  if (error.ok() && addresses->empty()) {
    error = absl::UnavailableError(absl::StrCat("no addresses for ", name));
  }
  bool changed = !host.answered || error != host.error;
  if (error.ok() && *addresses != host.addresses) {
    host.addresses = *std::move(addresses);
    changed = true;
  }
  if (!host.answered) --unanswered_;
  host.answered = true;
  host.error = std::move(error);
  const absl::Time now = SteadyNow();
  if (changed && !unreported_since_.has_value()) unreported_since_ = now;
  absl::BitGen random;
  queue_.OnAnswer(name, host.error.ok(), now,
                  absl::Uniform<double>(random, 0, 1));
  // Its resolver has no more to say: this class decides when to ask again.
  host.resolver.reset();
  ContinueLocked();
}

core::AddressList EndpointAddresses::AddressesLocked() const {
  core::AddressList list;
  list.reserve(endpoints_->size());
  for (const Endpoint& plain : *endpoints_) {
    // Shares the storage of the list: one reference for each address, no copy.
    const std::shared_ptr<const Endpoint> endpoint(endpoints_, &plain);
    if (plain.is_ip()) {
      auto address = grpc_core::StringToSockaddr(plain.address());
      if (address.ok()) {
        list.push_back(core::MakeAddress(*address, ChannelArgs(), endpoint));
      }
      continue;
    }
    auto host = hosts_.find(plain.address());
    if (host == hosts_.end()) continue;
    ChannelArgs args;
    if (names_are_configured_) {
      args = args.Set(GRPC_ARG_DEFAULT_AUTHORITY, plain.address());
    }
    for (const core::Address& address : host->second.addresses) {
      list.push_back(core::MakeAddress(address.address(), args, endpoint));
    }
  }
  return list;
}

std::string EndpointAddresses::ProblemsLocked() const {
  std::vector<std::string> problems;
  for (const auto& host : hosts_) {
    if (host.second.error.ok()) continue;
    problems.push_back(
        absl::StrCat(host.first, ": ", host.second.error.message()));
  }
  return AbbreviatedList(
      problems.size(), "; ", [&](size_t i) { return problems[i]; }, "; and ");
}

// The policy asks for this while it is at work, so nothing is reported in here.
void EndpointAddresses::RequestReresolutionLocked() {
  const absl::Time now = SteadyNow();
  queue_.Refresh(now);
  ResolveDueLocked(now);
  SetTimerLocked(now);
}

void EndpointAddresses::ResetBackoffLocked() {
  const absl::Time now = SteadyNow();
  queue_.ResetBackoff(now);
  ResolveDueLocked(now);
  SetTimerLocked(now);
}

}  // namespace multi_backend

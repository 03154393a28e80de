#include "multi_backend/resolver/grpc/etcd/registrar.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/resolver/endpoint/policy.h"
#include "multi_backend/resolver/etcd/record.h"
#include "multi_backend/resolver/grpc/etcd/session.h"
#include "multi_backend/resolver/grpc/etcd/stoppable_calls.h"
#include "multi_backend/resolver/source/random_id.h"
#include "multi_backend/resolver/source/server_rotation.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxId = 128;
// How long Close() waits for a store that does not answer, and for one server.
constexpr absl::Duration kLongestClose = absl::Milliseconds(1900);
constexpr absl::Duration kRevokeTimeout = absl::Milliseconds(900);
// No process lives longer, and adding this wait to the current time does not
// overflow.
constexpr absl::Duration kLongestWait = absl::Hours(24 * 365 * 100);

bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxId && id != "." && id != ".." &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == ':' ||
                  c == '-';
         });
}

// What clients would refuse of it, or read otherwise.
absl::Status CheckEndpoint(const Endpoint& endpoint, const std::string& value) {
  const std::string problem = EndpointPolicy().ReasonToRefuse(endpoint);
  if (!problem.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("endpoint ", Excerpt(endpoint.address()), ": ", problem,
                     ": clients would not use it"));
  }
  const auto read = ParseEtcdRecord(value);
  if (read.ok() && *read == endpoint) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "endpoint ", endpoint.address(), ": zone and labels must be UTF-8"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registrar>> EtcdRegistrar::Make(
    absl::string_view servers, absl::string_view prefix,
    const Endpoint& endpoint, const RegistrarOptions& options,
    EtcdOptions client) {
  auto list = ParseEtcdServers(servers);
  if (!list.ok()) return list.status();
  if (prefix.empty()) {
    return absl::InvalidArgumentError("etcd: the prefix is empty");
  }
  const std::string id = options.id.empty() ? RandomId() : options.id;
  if (!IsId(id)) {
    return absl::InvalidArgumentError(
        absl::StrCat("registrar: id ", Quoted(id, kMaxId), ": must be 1 to ",
                     kMaxId, " of [A-Za-z0-9_.:-]"));
  }
  std::string value = FormatEtcdRecord(endpoint);
  const absl::Status status = CheckEndpoint(endpoint, value);
  if (!status.ok()) return status;
  client.backoff = options.backoff;
  if (!options.credentials_file.empty()) {
    client.credentials_file = options.credentials_file;
  }
  const absl::Duration ttl =
      absl::Ceil(std::max(options.ttl, absl::Seconds(1)), absl::Seconds(1));
  auto registrar = absl::WrapUnique(new EtcdRegistrar(
      {*std::move(list), std::string(prefix)}, id, std::move(value),
      std::min(ttl, absl::Hours(24)), std::move(client)));
  EtcdRegistrar* const raw = registrar.get();
  raw->thread_.Start("mb_registrar", [raw] { raw->Follow(); });
  return registrar;
}

EtcdRegistrar::EtcdRegistrar(EtcdTarget target, const std::string& id,
                             std::string value, absl::Duration ttl,
                             EtcdOptions client)
    : target_(std::move(target)),
      key_(target_.prefix + id),
      value_(std::move(value)),
      ttl_(ttl),
      client_(std::move(client)),
      calls_(std::make_shared<StoppableCalls>()),
      status_(absl::UnavailableError("not registered yet")) {}

absl::Status EtcdRegistrar::AwaitRegistered(absl::Duration timeout) {
  const auto end = steady_clock::now() +
                   absl::ToChronoNanoseconds(std::min(timeout, kLongestWait));
  MutexLock lock(&mu_);
  while (!status_.ok() && !closed_ && steady_clock::now() < end) {
    changed_.WaitUntil(&mu_, end);
  }
  if (status_.ok()) return absl::OkStatus();
  if (closed_) {
    return absl::CancelledError(
        absl::StrCat(target_.ToString(), ": closed, so not registered"));
  }
  return absl::DeadlineExceededError(
      absl::StrCat(target_.ToString(), ": not registered after ",
                   absl::FormatDuration(timeout), ": ", status_.message()));
}

absl::Status EtcdRegistrar::last_error() const {
  MutexLock lock(&mu_);
  return status_;
}

void EtcdRegistrar::SetStatus(absl::Status status) {
  MutexLock lock(&mu_);
  if (closed_) return;
  status_ = std::move(status);
  changed_.SignalAll();
}

void EtcdRegistrar::Close() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
    status_ = absl::CancelledError("closed");
    changed_.SignalAll();
  }
  calls_->Stop();
  thread_.Stop();
}

void EtcdRegistrar::Follow() {
  ServerRotation rotation(target_.servers, client_.backoff);
  while (!calls_->stopped()) {
    const auto start = steady_clock::now();
    SetStatus(FollowServer(rotation.server()));
    calls_->Wait(
        rotation.Failed(absl::FromChrono(steady_clock::now() - start)));
  }
  if (lease_ != 0) Revoke();
}

absl::Status EtcdRegistrar::FollowServer(const Endpoint& server) {
  EtcdSession session(server, client_, *calls_);
  absl::Status status = session.Authenticate();
  while (status.ok()) {
    status = List(session);
    if (!status.ok()) break;
    SetStatus(absl::OkStatus());
    calls_->Wait(ttl_ / 3);
    if (calls_->stopped()) return absl::CancelledError("stopped");
  }
  return status;
}

absl::Status EtcdRegistrar::List(EtcdSession& session) {
  if (lease_ != 0) {
    const auto left = session.KeepAlive(lease_);
    if (!left.ok()) return left.status();
    if (*left <= absl::ZeroDuration()) lease_ = 0;
  }
  if (lease_ == 0) {
    etcd::LeaseGrantRequest request;
    request.set_ttl(absl::ToInt64Seconds(ttl_));
    const auto lease = session.LeaseGrant(request);
    if (!lease.ok()) return lease.status();
    lease_ = lease->id();
  }
  // Another client may have deleted the key, or put it without the lease.
  etcd::RangeRequest look;
  look.set_key(key_);
  const auto found = session.Range(look);
  if (!found.ok()) return found.status();
  if (!found->kvs().empty() && found->kvs(0).lease() == lease_ &&
      found->kvs(0).value() == value_) {
    return absl::OkStatus();
  }
  etcd::PutRequest put;
  put.set_key(key_);
  put.set_value(value_);
  put.set_lease(lease_);
  return session.Put(put).status();
}

void EtcdRegistrar::Revoke() {
  // calls_ is stopped already.  These calls cannot be stopped, but are short.
  StoppableCalls calls;
  EtcdOptions client = client_;
  client.call_timeout = std::min(client.call_timeout, kRevokeTimeout);
  etcd::LeaseRevokeRequest request;
  request.set_id(lease_);
  const auto start = steady_clock::now();
  for (const Endpoint& server : target_.servers) {
    if (absl::FromChrono(steady_clock::now() - start) + client.call_timeout >
        kLongestClose) {
      return;
    }
    EtcdSession session(server, client, calls);
    if (!session.Authenticate().ok()) continue;
    const absl::Status status = session.LeaseRevoke(request).status();
    if (status.ok() || absl::IsNotFound(status)) return;
  }
}

}  // namespace multi_backend

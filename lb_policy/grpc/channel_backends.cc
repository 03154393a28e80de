#include "multi_backend/lb_policy/grpc/channel_backends.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "multi_backend/lb_policy/connections/opening_order.h"
#include "multi_backend/lb_policy/grpc/backend_address.h"

namespace multi_backend {
namespace {

// How many backends are opened before core's other work has its turn.  Core
// takes about 0.2 ms to begin a connection, so these take some 13 ms.
constexpr size_t kOpenedAtOnce = 64;

// Returns whether the endpoint has changed.
bool SetEndpoint(ChannelBackend& backend,
                 const std::shared_ptr<const Endpoint>& endpoint) {
  if (backend.endpoint() == endpoint || *backend.endpoint() == *endpoint) {
    return false;
  }
  backend.SetEndpoint(endpoint);
  return true;
}

// The address alone, without the name.
absl::string_view RawAddress(const core::Address& address) {
  return absl::string_view(address.address().addr, address.address().len);
}

}  // namespace

bool ChannelBackends::Same(const core::AddressList& addresses) const {
  return std::equal(addresses.begin(), addresses.end(), list_.begin(),
                    list_.end(),
                    [](const core::Address& address,
                       const std::unique_ptr<ChannelBackend>& backend) {
                      return address == backend->address();
                    });
}

void ChannelBackends::ResetBackoff() {
  for (const auto& backend : list_) backend->ResetBackoff();
}

int64_t ChannelBackends::Reconnect(int64_t now) {
  int64_t again = INT64_MAX;
  for (const auto& backend : list_) {
    again = std::min(again, backend->Reconnect(now));
  }
  return again;
}

bool ChannelBackends::Update(
    core::AddressList addresses,
    const std::vector<std::shared_ptr<const Endpoint>>& endpoints, Make make) {
  bool changed = false;
  if (Same(addresses)) {
    for (size_t i = 0; i < list_.size(); ++i) {
      changed |= SetEndpoint(*list_[i], endpoints[i]);
    }
    return changed;
  }
  AddressKeys keys;  // First of the old backends, then of the new addresses.
  for (const auto& backend : list_) keys.Add(backend->address());
  for (const core::Address& address : addresses) keys.Add(address);
  absl::flat_hash_map<absl::string_view, std::unique_ptr<ChannelBackend>>
      old_backends;
  old_backends.reserve(list_.size() + addresses.size());
  std::vector<const ChannelBackend*> old_order;
  old_order.reserve(list_.size());
  for (auto& backend : list_) {
    const absl::string_view key = keys[old_order.size()];
    old_order.push_back(backend.get());
    old_backends.emplace(key, std::move(backend));
  }
  list_.clear();
  list_.reserve(addresses.size());
  // The old backends that leave the list, by address alone; filled when it is
  // needed.
  absl::optional<absl::flat_hash_map<absl::string_view, const ChannelBackend*>>
      leaving;
  // Those that others replace.
  std::vector<std::unique_ptr<ChannelBackend>> replaced;
  for (size_t i = 0; i < addresses.size(); ++i) {
    auto inserted =
        old_backends.try_emplace(keys[old_order.size() + i], nullptr);
    std::unique_ptr<ChannelBackend>& old = inserted.first->second;
    // An earlier address of this list has the same key and took the backend.
    if (!inserted.second && old == nullptr) continue;
    if (old != nullptr && core::ConnectionArgs(old->address()) ==
                              core::ConnectionArgs(addresses[i])) {
      changed |= SetEndpoint(*old, endpoints[i]);
      old->SetAddress(std::move(addresses[i]));
      list_.push_back(std::move(old));
      continue;
    }
    const ChannelBackend* renamed = nullptr;
    if (old != nullptr) {
      replaced.push_back(std::move(old));
    } else {
      if (!leaving.has_value()) {
        leaving.emplace();
        absl::flat_hash_set<absl::string_view> wanted;
        for (size_t k = 0; k < addresses.size(); ++k) {
          wanted.insert(keys[old_order.size() + k]);
        }
        for (size_t k = 0; k < old_order.size(); ++k) {
          if (wanted.contains(keys[k])) continue;
          leaving->emplace(RawAddress(old_order[k]->address()), old_order[k]);
        }
      }
      const auto found = leaving->find(RawAddress(addresses[i]));
      if (found != leaving->end()) renamed = found->second;
    }
    changed = true;
    list_.push_back(make(std::move(addresses[i]), endpoints[i], renamed));
  }
  FindUnopened();
  // Backends that are still in old_backends have left the list.
  return changed ||
         !std::equal(
             list_.begin(), list_.end(), old_order.begin(), old_order.end(),
             [](const std::unique_ptr<ChannelBackend>& now,
                const ChannelBackend* before) { return now.get() == before; });
}

void ChannelBackends::FindUnopened() {
  std::vector<ChannelBackend*> found;
  std::vector<OpeningCandidate> candidates;
  for (const auto& backend : list_) {
    if (backend->connections() > 0) continue;
    found.push_back(backend.get());
    const Endpoint& endpoint = *backend->endpoint();
    candidates.push_back({endpoint.role, endpoint.priority});
  }
  if (found.size() <= kOpenedAtOnce) {
    unopened_.assign(found.begin(), found.end());
    return;
  }
  unopened_.clear();
  absl::BitGen random;
  for (const size_t i : OpeningOrder(candidates, random)) {
    unopened_.push_back(found[i]);
  }
}

ChannelBackends::Opened ChannelBackends::OpenSome(int64_t now) {
  Opened opened;
  for (size_t i = 0; i < kOpenedAtOnce && !unopened_.empty(); ++i) {
    ChannelBackend& backend = *unopened_.front();
    unopened_.pop_front();
    backend.Resize(now);
    opened.failed |= backend.has_failed();
  }
  opened.more = !unopened_.empty();
  return opened;
}

std::vector<int> ChannelBackends::ReadyConnections() const {
  std::vector<int> connections;
  connections.reserve(list_.size());
  for (const auto& backend : list_) {
    connections.push_back(static_cast<int>(backend->Ready().size()));
  }
  return connections;
}

std::vector<Picker::Destination> ChannelBackends::Destinations() const {
  std::vector<Picker::Destination> destinations(list_.size());
  for (size_t i = 0; i < list_.size(); ++i) {
    const ChannelBackend& backend = *list_[i];
    Picker::Destination& destination = destinations[i];
    destination.backend = backend.lease().backend().get();
    const auto ready = backend.Ready();
    if (ready.empty()) continue;
    destination.subchannel = ready[0]->ReadySubchannel();
    destination.load = ConnectionLoadRef::New(ready[0]->load());
    const ConnectionPoolConfig& pool = backend.pool_config();
    if (pool.max == 1) continue;
    auto connections = std::make_unique<Picker::Connections>();
    connections->max_streams = pool.max_streams_per_connection;
    connections->may_open_another = backend.MayGrow();
    connections->expects_another = backend.ExpectsConnection();
    for (const BackendConnection* one : ready) {
      connections->ready.push_back(
          {one->ReadySubchannel(), ConnectionLoadRef::New(one->load())});
    }
    destination.connections = std::move(connections);
  }
  return destinations;
}

std::vector<std::shared_ptr<const BackendLabels>> ChannelBackends::Labels()
    const {
  std::vector<std::shared_ptr<const BackendLabels>> labels;
  labels.reserve(list_.size());
  for (const auto& backend : list_) labels.push_back(backend->labels());
  return labels;
}

}  // namespace multi_backend

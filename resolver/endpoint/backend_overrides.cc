#include "multi_backend/resolver/endpoint/backend_overrides.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

void ApplyOverride(const BackendConfig& backend, Endpoint& endpoint) {
  if (backend.weight.has_value()) endpoint.weight = *backend.weight;
  if (backend.role.has_value()) endpoint.role = *backend.role;
  if (backend.zone.has_value()) endpoint.zone = *backend.zone;
  if (backend.priority.has_value()) endpoint.priority = *backend.priority;
  for (const auto& label : backend.labels) {
    endpoint.labels[label.first] = label.second;
  }
}

}  // namespace

EndpointList ApplyBackendConfigs(EndpointList endpoints,
                                 const std::vector<BackendConfig>& backends) {
  if (backends.empty()) return endpoints;
  absl::flat_hash_map<std::string, const BackendConfig*> by_key;
  by_key.reserve(backends.size());
  for (const BackendConfig& backend : backends) {
    const auto endpoint = Endpoint::Parse(backend.address);
    if (endpoint.ok()) by_key[endpoint->key()] = &backend;
  }
  for (Endpoint& endpoint : endpoints) {
    const auto found = by_key.find(endpoint.key());
    if (found != by_key.end()) ApplyOverride(*found->second, endpoint);
  }
  return endpoints;
}

BackendPoolConfigs PoolsOfBackendConfigs(
    const std::vector<BackendConfig>& backends) {
  BackendPoolConfigs pools;
  for (const BackendConfig& backend : backends) {
    if (!backend.pool.has_value()) continue;
    const auto endpoint = Endpoint::Parse(backend.address);
    if (endpoint.ok()) pools[endpoint->key()] = *backend.pool;
  }
  return pools;
}

absl::StatusOr<EndpointList> EndpointsOfBackendConfigs(
    const std::vector<BackendConfig>& backends) {
  if (backends.empty()) {
    return absl::InvalidArgumentError(
        "the target names no endpoints and the configuration has no backends");
  }
  EndpointList endpoints;
  endpoints.reserve(backends.size());
  absl::flat_hash_map<std::string, size_t> seen;
  seen.reserve(backends.size());
  for (size_t i = 0; i < backends.size(); ++i) {
    auto endpoint = Endpoint::Parse(backends[i].address);
    if (!endpoint.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "backends[", i, "].address: ", endpoint.status().message()));
    }
    const auto inserted = seen.emplace(endpoint->key(), i);
    if (!inserted.second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "backends[", i, "].address: \"", backends[i].address,
          "\" is a duplicate of backends[", inserted.first->second, "]"));
    }
    ApplyOverride(backends[i], *endpoint);
    endpoints.push_back(*std::move(endpoint));
  }
  return endpoints;
}

}  // namespace multi_backend

#include "multi_backend/proto/config/rules/pool_and_backlog.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "multi_backend/proto/config/rules/field_checks.h"

namespace multi_backend {
namespace {

constexpr int kDefaultMaxConnections = 10;
// Each connection is a socket on both sides.
constexpr int kMaxConnections = 1000;
constexpr int kMaxStreams = 1000000;
constexpr int kMaxRequests = 1000000;
// Each waiting call costs memory, and the longer the queue, the less likely it
// is that the caller still wants the answer.
constexpr int kMaxWaiting = 10000;

// `above`: the path of the backlog of an ancestor of `node`; "" = none.
void CheckBelow(const BalancerConfig& node, const std::string& path,
                std::string above, FieldErrors* errors) {
  if (node.backlog.has_value()) {
    const std::string own = FieldPath(path, "backlog");
    if (above.empty()) {
      above = own;
    } else {
      errors->Add(own, absl::StrCat("must be the only one on its path, but ",
                                    above, " is above it"));
    }
  }
  const std::string members = FieldPath(path, "members");
  for (size_t i = 0; i < node.members.size(); ++i) {
    CheckBelow(node.members[i], ElementPath(members, i), above, errors);
  }
}

}  // namespace

ConnectionPoolConfig ReadPool(const config::v1::ConnectionPool& pool,
                              const std::string& path, FieldErrors* errors) {
  ConnectionPoolConfig config;
  const std::string min_path = FieldPath(path, "min");
  const std::string max_path = FieldPath(path, "max");
  if (pool.has_min()) {
    config.min = CheckedInt(pool.min(), 1, kMaxConnections, min_path, errors);
  }
  if (pool.has_max()) {
    config.max = CheckedInt(pool.max(), 1, kMaxConnections, max_path, errors);
    if (config.max < config.min) {
      errors->Add(max_path, absl::StrCat("must be >= ", min_path));
    }
  } else {
    config.max = std::max(kDefaultMaxConnections, config.min);
  }
  if (pool.has_idle_timeout()) {
    config.idle_timeout =
        CheckedDuration(pool.idle_timeout(), kMinDuration,
                        FieldPath(path, "idleTimeout"), errors);
  }
  if (pool.has_max_streams_per_connection()) {
    config.max_streams_per_connection =
        CheckedInt(pool.max_streams_per_connection(), 1, kMaxStreams,
                   FieldPath(path, "maxStreamsPerConnection"), errors);
  }
  return config;
}

BacklogConfig ReadBacklog(const config::v1::Backlog& backlog,
                          const std::string& path, FieldErrors* errors) {
  BacklogConfig config;
  if (backlog.has_limit()) {
    config.limit = CheckedInt(backlog.limit(), 1, kMaxWaiting,
                              FieldPath(path, "limit"), errors);
  }
  if (backlog.has_timeout()) {
    config.timeout = CheckedDuration(backlog.timeout(), kMinDuration,
                                     FieldPath(path, "timeout"), errors);
  }
  if (backlog.has_overload_timeout()) {
    config.overload_timeout =
        CheckedDuration(backlog.overload_timeout(), kMinDuration,
                        FieldPath(path, "overloadTimeout"), errors);
  }
  return config;
}

void CheckBacklogs(const PolicyConfig& policy, FieldErrors* errors) {
  CheckBelow(policy.root, "", "", errors);
  for (const auto& [role, balancer] : policy.roles) {
    CheckBelow(balancer, KeyPath("roles", role), "", errors);
  }
}

int ReadMaxRequests(const config::v1::Policy& policy, FieldErrors* errors) {
  return CheckedInt(policy.max_requests_per_backend(), 0, kMaxRequests,
                    "maxRequestsPerBackend", errors);
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/connections/sizing.h"

#include <algorithm>

#include "absl/time/time.h"

namespace multi_backend {
namespace {

bool Full(const ConnectionView& connection,
          const ConnectionPoolConfig& config) {
  return connection.streams >=
         static_cast<uint32_t>(config.max_streams_per_connection);
}

// Whether calls need one more connection and the backend accepts connections.
bool WantsAnother(absl::Span<const ConnectionView> connections,
                  const ConnectionPoolConfig& config) {
  const bool too_few = connections.size() < static_cast<size_t>(config.min);
  return std::all_of(connections.begin(), connections.end(),
                     [&config, too_few](const ConnectionView& connection) {
                       return connection.state == LinkState::kReady &&
                              (too_few || Full(connection, config));
                     });
}

int64_t IdleUntil(const ConnectionView& connection, int64_t timeout) {
  return connection.idle_since > INT64_MAX - timeout
             ? INT64_MAX
             : connection.idle_since + timeout;
}

}  // namespace

ConnectionPlan PlanConnections(absl::Span<const ConnectionView> connections,
                               const ConnectionPoolConfig& config,
                               int64_t now) {
  ConnectionPlan plan;
  const size_t min = static_cast<size_t>(config.min);
  const size_t max = static_cast<size_t>(config.max);
  plan.open = connections.size() < max && WantsAnother(connections, config);

  const int64_t timeout = absl::ToInt64Nanoseconds(config.idle_timeout);
  for (size_t i = connections.size(); i > min; --i) {
    const ConnectionView& connection = connections[i - 1];
    if (connection.state == LinkState::kConnecting || connection.streams > 0) {
      continue;
    }
    const int64_t until = IdleUntil(connection, timeout);
    if (now >= until) {
      plan.close.push_back(i - 1);
    } else {
      plan.look_again = std::min(plan.look_again, until);
    }
  }
  return plan;
}

bool ExpectsConnection(absl::Span<const ConnectionView> connections,
                       const ConnectionPoolConfig& config, bool may_open) {
  bool connecting = false;
  for (const ConnectionView& connection : connections) {
    if (connection.state == LinkState::kFailed) return false;
    connecting |= connection.state == LinkState::kConnecting;
  }
  return connecting ||
         (may_open && connections.size() < static_cast<size_t>(config.max));
}

}  // namespace multi_backend

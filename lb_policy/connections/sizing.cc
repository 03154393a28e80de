#include "multi_backend/lb_policy/connections/sizing.h"

#include <algorithm>

#include "absl/time/time.h"

namespace multi_backend {
namespace {

using State = ConnectionView::State;

bool Full(const ConnectionView& connection,
          const ConnectionPoolConfig& config) {
  const uint32_t limit = connection.stream_limit.value_or(
      static_cast<uint32_t>(config.max_streams_per_connection));
  // One without streams is never full, or a server that allows none for a
  // while would be given all of `max`.
  return connection.streams >= std::max(limit, 1u);
}

// Whether calls need one connection more than are READY or soon will be.
bool WantsAnother(absl::Span<const ConnectionView> connections,
                  const ConnectionPoolConfig& config) {
  bool any_ready = false;
  for (const ConnectionView& connection : connections) {
    if (connection.state == State::kConnecting) return false;
    if (connection.state == State::kFailed) continue;
    if (!Full(connection, config)) return false;
    any_ready = true;
  }
  // Of a backend that cannot be reached more would not help.
  return any_ready;
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
  bool connecting = false;
  for (size_t i = 0; i < connections.size(); ++i) {
    connecting |= connections[i].state == State::kConnecting;
    if (connections[i].state == State::kFailed && i < min) {
      plan.replace.push_back(i);
    }
  }
  if (plan.replace.empty() && WantsAnother(connections, config)) {
    // Rather one that is there already, but dead.
    const auto failed = std::find_if(
        connections.begin(), connections.end(),
        [](const ConnectionView& c) { return c.state == State::kFailed; });
    if (failed != connections.end()) {
      plan.replace.push_back(failed - connections.begin());
    } else {
      plan.open = connections.size() < max;
    }
  }
  if (plan.replace.empty() && !connecting && connections.size() < min) {
    plan.open = true;
  }

  const int64_t timeout = absl::ToInt64Nanoseconds(config.idle_timeout);
  for (size_t i = connections.size(); i > min; --i) {
    const ConnectionView& connection = connections[i - 1];
    if (connection.state == State::kConnecting || connection.streams > 0 ||
        std::count(plan.replace.begin(), plan.replace.end(), i - 1) > 0) {
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

}  // namespace multi_backend

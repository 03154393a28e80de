// Decides how many connections one backend has, and which of them a call uses.
//
// `min` connections are opened at once or one by one.  Another one is opened
// only when each connection is READY and full: so one at a time, up to `max`,
// and none for a backend of which a connection has failed.  One beyond the
// first `min` is closed when it has had no stream for `idle_timeout`; none is
// ever closed that has streams.
//
// This file only decides.  The owner of the connections carries the plan out
// and paces its attempts to connect.  A backend's connections are numbered by
// age, 0 is the oldest; when one is closed, the later ones move up.
//
// Pure and thread-safe.  Times are nanoseconds of one Clock.
#ifndef MULTI_BACKEND_LB_POLICY_CONNECTIONS_SIZING_H_
#define MULTI_BACKEND_LB_POLICY_CONNECTIONS_SIZING_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "multi_backend/lb_policy/link_state.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {

struct ConnectionView {
  LinkState state = LinkState::kConnecting;
  uint32_t streams = 0;  // Live ones.
  // When its last stream ended, or it was opened.  Used without streams only.
  int64_t idle_since = 0;
};

struct ConnectionPlan {
  bool open = false;  // One more.
  // The newest first, so that an index still holds when those before it here
  // have been closed.
  absl::InlinedVector<size_t, 4> close;
  // When time alone will change this plan; INT64_MAX for never.
  int64_t look_again = INT64_MAX;
};

// What to do with a backend's connections.  O(connections).
ConnectionPlan PlanConnections(absl::Span<const ConnectionView> connections,
                               const ConnectionPoolConfig& config, int64_t now);

constexpr size_t kNoConnection = SIZE_MAX;
// The load of a connection that takes no streams.
constexpr uint32_t kNotReady = UINT32_MAX;

// Which of `count` connections takes a new stream: the READY one with the
// fewest streams.  Among equal ones the oldest is chosen, so that the newer
// ones become idle.  kNoConnection when none is READY.  `load(i)` is the number
// of streams of connection i, or kNotReady.  Picks call this: O(count), no
// allocation.
template <typename Load>
inline size_t LeastLoadedConnection(size_t count, Load load) {
  size_t best = kNoConnection;
  uint32_t least = kNotReady;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t streams = load(i);
    if (streams < least) {
      least = streams;
      best = i;
    }
  }
  return best;
}

inline size_t LeastLoadedConnection(
    absl::Span<const ConnectionView> connections) {
  return LeastLoadedConnection(connections.size(), [connections](size_t i) {
    return connections[i].state == LinkState::kReady ? connections[i].streams
                                                     : kNotReady;
  });
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_CONNECTIONS_SIZING_H_

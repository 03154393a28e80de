// Decides how many connections one backend has, and which of them a call uses.
//
// `min` connections are opened at once or one by one.  Another one, up to
// `max`, is opened only when all connections are READY and full.  So
// connections are added one at a time, and none is added while one has failed.
// A connection beyond the first `min` is closed after `idle_timeout` without a
// stream.  A connection with streams is never closed.  Calls that find all
// connections full wait for another one where that can come.
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
  uint32_t streams = 0;
  // When its last stream ended, or when it was opened.  Used only if there are
  // no streams.
  int64_t idle_since = 0;
};

struct ConnectionPlan {
  bool open = false;  // Whether to open one more.
  // The connections to close, the newest first, so that closing one does not
  // change the later indices.
  absl::InlinedVector<size_t, 4> close;
  // When time alone will change this plan; INT64_MAX for never.
  int64_t look_again = INT64_MAX;
};

// Returns what to do with a backend's connections.  O(connections).
ConnectionPlan PlanConnections(absl::Span<const ConnectionView> connections,
                               const ConnectionPoolConfig& config, int64_t now);

// Whether a call that finds all READY connections full should wait: another one
// is connecting, or would be opened if `may_open` holds.  False while one has
// failed, because then no other is opened.  Does not read the streams.
bool ExpectsConnection(absl::Span<const ConnectionView> connections,
                       const ConnectionPoolConfig& config, bool may_open);

constexpr size_t kNoConnection = SIZE_MAX;
// The load of a connection that takes no streams.
constexpr uint32_t kNotReady = UINT32_MAX;

// Returns which of `count` connections takes a new stream: the READY one with
// the fewest streams, or kNoConnection.  Among equal ones it chooses the
// oldest, so that the newer ones become idle.  `load(i)` is the number of
// streams of connection i, or kNotReady.  Picks call this; it is O(count) and
// does not allocate.
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

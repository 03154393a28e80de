// ReconnectPace: when a backend that closes its connections is connected again.
//
// Core waits before the next attempt only if a connection could not be made.  A
// server that accepts and then closes each connection at once, as one that is
// shutting down or overloaded does, would be connected thousands of times a
// second.  A connection is fruitless if it ends young and before a call was
// answered on it.  A few fruitless ones in a row may be chance, such as two
// restarts.  From then on they count as failures, and each next attempt waits
// with exponential backoff, as core's own do.
//
// Pure.  Times are nanoseconds of one Clock.
#ifndef MULTI_BACKEND_LB_POLICY_CONNECTIONS_RECONNECT_H_
#define MULTI_BACKEND_LB_POLICY_CONNECTIONS_RECONNECT_H_

#include <cstdint>

#include "absl/time/time.h"

namespace multi_backend {

// The waits between attempts.  The defaults are core's
// (doc/connection-backoff.md of gRPC).
struct ReconnectBackoff {
  absl::Duration initial = absl::Seconds(1);
  absl::Duration max = absl::Seconds(120);
};

class ReconnectPace {
 public:
  explicit ReconnectPace(ReconnectBackoff backoff = {}) : backoff_(backoff) {}

  // Called when the connection has become READY.
  void OnReady(int64_t now) { ready_since_ = now; }
  // Called when the READY connection has ended.  `answered` says whether a call
  // was answered on it.  Returns how long to wait before the next attempt; zero
  // = connect at once, and the end is no failure.  `uniform` is a random number
  // from 0 to 1, which spreads the attempts of many clients.
  absl::Duration OnEnd(int64_t now, bool answered, double uniform);
  // The number of fruitless connections in a row.
  int fruitless() const { return fruitless_; }

 private:
  ReconnectBackoff backoff_;
  int64_t ready_since_ = 0;
  int fruitless_ = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_CONNECTIONS_RECONNECT_H_

// PoolEvent: one thing that happened to a backend of a pool, or to a channel
// that uses it.  A value.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace multi_backend {

struct PoolEvent {
  enum class Kind {
    kState,        // A backend: "ALIVE" -> "DOWN", ….
    kConnections,  // A backend's number of connections in one channel.
    kBacklog,      // A balancer: "ALIVE" -> "OVERLOADED" -> "DOWN".
    kPanic,        // A balancer: "off" -> "on".
    kDrain,        // A backend: "serving" -> "draining" -> "drained".
    kWeight,       // A backend: "listed" -> "300".
    kReconnect,    // A backend: "waiting" -> "connecting", by ResetBackoff().
  };
  // Whether, and why, calls took a backend out of use.
  enum class Ejection {
    kNone,         // The event is no ejection.
    kFailedCalls,  // Failures in a row.
    kFailureRate,  // The share of calls that failed.
  };
  uint64_t sequence = 0;  // 1, 2, …; a gap shows how many were lost.
  absl::Time time;
  Kind kind = Kind::kState;
  std::string who;   // The backend's address, or the balancer's path.
  std::string name;  // The backend's configured "host:port"; "" for a balancer.
  std::string from;
  std::string to;
  std::string reason;
  std::string asked_by;  // Who asked for it; "" when nobody did, or said.
  Ejection ejection = Ejection::kNone;

  // "10.0.0.1:50051: ALIVE -> DOWN: 3 calls in a row failed: …".  Ends with
  // " (asked by …)" when somebody did.
  std::string ToString() const;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_EVENT_H_

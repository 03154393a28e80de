// Probe: asks one backend once whether it is healthy.
//
// Each kind of probe has a file of its own: health/grpc/grpc_probe.h (gRPC),
// tcp_probe.h (TCP) and curl/probe.h (HTTP).  prober.h repeats a probe.
#ifndef MULTI_BACKEND_HEALTH_PROBES_PROBE_H_
#define MULTI_BACKEND_HEALTH_PROBES_PROBE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {

struct ProbeResult {
  bool healthy;
  // For messages: "status NOT_SERVING", "connection refused".
  std::string detail;
  // True when a gRPC server has no health service.  `healthy` is then what the
  // configuration says.
  bool unimplemented = false;
};

// What a probe asks.  Two probes with equal identities ask the same, so one of
// them can do for both.
struct ProbeIdentity {
  // The kind, the address and everything else that can be written down.
  // "" = no other probe asks the same.
  std::string text;
  // What cannot be written down, such as credentials: equal pointers are equal.
  std::shared_ptr<const void> credentials;
};

class Probe {
 public:
  using Done = std::function<void(ProbeResult)>;

  // Cancels the probe.  When the destructor returns, `done` will not run any
  // more and is not running on another thread.  (`done` itself may destroy the
  // probe.)
  virtual ~Probe() = default;

  // Starts the probe.  Calls `done` exactly once, within about `timeout`, on
  // any thread, possibly before Start() returns, with no lock held.  Requires
  // that no probe is under way: the next Start() may come from inside `done` at
  // the earliest.
  virtual void Start(absl::Duration timeout, Done done) = 0;

  virtual ProbeIdentity identity() const { return {}; }
};

// Makes the probes of backends.  Thread-safe.  The probes may outlive the
// factory.
class ProbeFactory {
 public:
  virtual ~ProbeFactory() = default;

  // `address` is where to connect: "1.2.3.4:80" or "[::1]:80".  It is
  // endpoint.address() itself if the host name has not been resolved.
  virtual std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                                      absl::string_view address) const = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_PROBE_H_

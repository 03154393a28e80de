// Probe: asks one backend whether it is well.
//
// One file per kind (health/grpc/grpc_probe.h, curl/probe.h: HTTP and TCP);
// prober.h asks again and again.
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
  std::string detail;  // For texts: "status NOT_SERVING", "connection refused".
  // gRPC: the server has no health service; `healthy` is as configured.
  bool unimplemented = false;
};

class Probe {
 public:
  using Done = std::function<void(ProbeResult)>;

  // Cancels.  When it returns, `done` is not running (unless on this very
  // thread: a probe may be destroyed by its own `done`) and will not run.
  virtual ~Probe() = default;

  // Calls `done` exactly once, within about `timeout`, on any thread, perhaps
  // before this returns, with no lock held.  One at a time: the next Start()
  // may come from inside `done`, not before.
  virtual void Start(absl::Duration timeout, Done done) = 0;
};

// Makes the probes of backends.  Thread-safe; may be destroyed before them.
class ProbeFactory {
 public:
  virtual ~ProbeFactory() = default;

  // `address`: where the endpoint is, "1.2.3.4:80" or "[::1]:80"; when nobody
  // has looked up its name, endpoint.address() itself.
  virtual std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                                      absl::string_view address) const = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_HEALTH_PROBES_PROBE_H_

// ChannelSource: the present state of one channel, for those who ask.
//
// MetricsSink::OnChannel() hands it out.  Gauges, the admin service and the
// status page read it; calls do not pay for it.
#ifndef MULTI_BACKEND_OBSERVABILITY_CHANNEL_SOURCE_H_
#define MULTI_BACKEND_OBSERVABILITY_CHANNEL_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace multi_backend {

class BackendPool;

// One backend as this channel sees it.  Counters are those of the pool, so
// channels that share a pool share them.
struct BackendStatus {
  std::string address;  // "ip:port".
  std::string name;     // host:port as listed.
  std::string role;
  std::string zone;
  uint32_t weight = 0;  // As listed, or as SetWeight() says.
  // What the strategies reckon with now, slow start included.
  double effective_weight = 0;
  std::string state;      // "ALIVE", "OVERLOADED", "DOWN", "DOWN_RETRY".
  bool draining = false;  // By Drain(), until Undrain().
  bool drained = false;   // The drain is done.
  bool absent = false;    // No channel lists it now.
  std::string reason;     // Why it is in this state, one sentence.
  absl::Time since = absl::InfinitePast();
  std::string link;        // "READY", "CONNECTING", "FAILED".
  std::string link_error;  // With "FAILED".
  int connections = 0;     // READY ones of this channel.
  int64_t in_flight = 0;
  uint64_t calls = 0;     // Attempts started.
  uint64_t failures = 0;  // Attempts that failed by infrastructure.
  uint64_t retries_landed = 0;
  uint64_t ejections = 0;  // By failed calls and by failure rates.
  uint64_t probes_passed = 0;
  uint64_t probes_failed = 0;
  std::string last_probe;  // "passed" or "failed: why"; "" before the first.
};

struct BalancerStatus {
  std::string path;      // "root", "role \"primary\"", ….
  std::string strategy;  // As in the configuration.
  bool panic = false;
  bool has_backlog = false;
  std::string backlog_state;  // "ALIVE", "OVERLOADED", "DOWN".
  uint64_t waiting = 0;       // Calls in the backlog.
  uint64_t limit = 0;         // Calls that it takes.
};

struct RouteStatus {
  std::string name;  // RouteName().
  std::string role;
  uint64_t matches = 0;     // Calls.
  std::string last_method;  // "" = it never matched.
};

struct ResolverStatus {
  std::string target;
  uint64_t updates = 0;  // Lists that were taken.
  uint64_t errors = 0;
  absl::Time last_success = absl::InfinitePast();
  std::string last_error;  // "" when the newest result was a list.
  uint64_t endpoints = 0;
};

struct ChannelStatus {
  std::string target;  // As the application wrote it.
  std::string state;   // "IDLE", "CONNECTING", "READY", "TRANSIENT_FAILURE".
  std::string config_json;  // The service config in force.
  std::vector<std::string> warnings;
  std::vector<BackendStatus> backends;  // Ordered by address.
  std::vector<BalancerStatus> balancers;
  std::vector<RouteStatus> routes;  // In the order of the configuration.
  ResolverStatus resolver;
};

// Threads: any.  Takes no lock that a call waits for.
class ChannelSource {
 public:
  virtual ~ChannelSource() = default;

  virtual const std::string& target() const = 0;
  virtual ChannelStatus Status() const = 0;
  // For actions and events; never null.
  virtual std::shared_ptr<BackendPool> pool() const = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_CHANNEL_SOURCE_H_

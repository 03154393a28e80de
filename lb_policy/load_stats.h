// LoadStats: the numbers that the data plane writes about one member of a
// balancer (a backend, or an inner balancer), one cache line each.
//
// Threads: everything here may be read and written from any thread.  Written by
// the picks and call trackers of all channels that share the backend, except
// where a field says otherwise.
#ifndef MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_
#define MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_

#include <atomic>
#include <cstdint>

#include "absl/base/optimization.h"

namespace multi_backend {

struct alignas(ABSL_CACHELINE_SIZE) LoadStats {
  // Calls started and not ended; a stream counts until it ends.
  std::atomic<int64_t> in_flight{0};
  // Not to be picked when non-zero; a set of reasons (backends/flags.h).
  // Read by every pick, so that a mark acts on the very next one.
  std::atomic<uint32_t> unusable_reasons{0};
  // Whether its health wants to hear of calls that end well; see BackendHealth.
  std::atomic<bool> wants_successes{false};
  // Usable, but not for every call, when non-zero (backends/flags.h).
  std::atomic<uint32_t> admission{0};
  // Peak-EWMA of the latency; see strategies/peak_ewma/ for who reads it how.
  // Nanoseconds; 0 = nothing measured yet.
  std::atomic<double> ewma_nanos{0};
  // Monotonic time of the last change of ewma_nanos.
  std::atomic<int64_t> ewma_stamp_nanos{0};
  // Monotonic time since when the member has been usable without a break;
  // INT64_MIN = always.  Written by the control plane; read by PRIMARY.
  std::atomic<int64_t> usable_since_nanos{INT64_MIN};

  // `tolerated`: reasons that do not count.
  bool usable(uint32_t tolerated = 0) const {
    return (unusable_reasons.load(std::memory_order_acquire) & ~tolerated) == 0;
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_

// LoadStats: the numbers that the data plane writes about one member of a
// balancer (a backend, or an inner balancer), one cache line each.
//
// Threads: any thread may read and write every field.  The writers are the
// picks and call trackers of all channels that share the backend, except where
// a field says otherwise.
#ifndef MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_
#define MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_

#include <atomic>
#include <cstdint>

#include "absl/base/optimization.h"

namespace multi_backend {

struct alignas(ABSL_CACHELINE_SIZE) LoadStats {
  // A bit of `unusable_reasons`: the member takes only the calls whose sticky
  // key lives there (STICKY).
  static constexpr uint32_t kKeysOnly = 32;

  // Calls that have started and not ended.  A stream counts until it ends.
  std::atomic<int64_t> in_flight{0};
  // The set of reasons not to pick this member (backends/flags.h); it may be
  // picked when the set is empty.  Every pick reads it, so a new reason takes
  // effect on the next pick.
  std::atomic<uint32_t> unusable_reasons{0};
  // Whether BackendHealth wants to be told of calls that succeed.
  std::atomic<bool> wants_successes{false};
  // Why this member does not admit every call (bits in backends/flags.h); 0 =
  // it admits every call.
  std::atomic<uint32_t> admission{0};
  // Attempts that failed by the member's fault, modulo 2^32 (LEAST_BUSY).
  std::atomic<uint32_t> failures{0};
  // Peak-EWMA of the latency in nanoseconds (strategies/peak_ewma/); 0 until
  // the first measurement.
  std::atomic<double> ewma_nanos{0};
  // Monotonic time of the last change of ewma_nanos.
  std::atomic<int64_t> ewma_stamp_nanos{0};
  // Monotonic time at which the member last became usable; INT64_MIN if it has
  // always been.  The control plane writes it; PRIMARY reads it.
  std::atomic<int64_t> usable_since_nanos{INT64_MIN};

  // Whether there is no reason against this member except those in `tolerated`.
  bool usable(uint32_t tolerated = 0) const {
    return (unusable_reasons.load(std::memory_order_acquire) & ~tolerated) == 0;
  }
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_LOAD_STATS_H_

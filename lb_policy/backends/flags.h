// The flags of a backend that picks read, and the count of words that are not
// zero, which spares most picks the look.
//
// Threads: any; the count is never less than the flags that a pick can see.
#ifndef MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_
#define MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_

#include <atomic>
#include <cstdint>

namespace multi_backend {

// Bits of LoadStats::unusable: why a backend is not to be picked.
constexpr uint32_t kMarkedUnhealthy = 1;  // By hand.
constexpr uint32_t kUnhealthy = 2;        // By probes or calls.
constexpr uint32_t kOverloaded = 4;       // Only while others are better off.
constexpr uint32_t kAtLimit = 8;          // maxRequestsPerBackend.
constexpr uint32_t kOnTrial = 16;         // The one trial call is on its way.

// Bits of LoadStats::gate: it may be picked, but not by every call.
constexpr uint32_t kTrialOpen = 1;  // The next call is the trial.
constexpr uint32_t kRamping = 2;    // Slow start.

inline void SetFlag(std::atomic<uint32_t>& word, uint32_t flag,
                    std::atomic<uint32_t>& flagged) {
  // First, so that a pick that sees the flag has seen the count.
  flagged.fetch_add(1, std::memory_order_acq_rel);
  if (word.fetch_or(flag, std::memory_order_acq_rel) != 0) {
    flagged.fetch_sub(1, std::memory_order_acq_rel);
  }
}

inline void ClearFlag(std::atomic<uint32_t>& word, uint32_t flag,
                      std::atomic<uint32_t>& flagged) {
  const uint32_t before = word.fetch_and(~flag, std::memory_order_acq_rel);
  if (before != 0 && (before & ~flag) == 0) {
    flagged.fetch_sub(1, std::memory_order_acq_rel);
  }
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_BACKENDS_FLAGS_H_

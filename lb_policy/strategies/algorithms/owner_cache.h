// OwnerCache: remembers which member owns each slot of the key space, once a
// pick has found out.
//
// A key's slot is the top bits of its hash.  There are 2^19 slots, whatever the
// number of members, because changing the number of slots would move keys.  At
// 1,000 members each owns about 524 slots, so a member's share is within 4.4 %
// of the mean (one sigma), and the most loaded member gets less than 1.2 times
// the mean.
//
// Memory: 2 MB of address space.  Only pages that hold the slot of a key in use
// take physical memory.
//
// Threads: thread-safe.  Relaxed order is enough because every thread would
// compute the same value for an entry.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_OWNER_CACHE_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_OWNER_CACHE_H_

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace multi_backend {

class OwnerCache {
 public:
  static constexpr int kBits = 19;
  static constexpr uint32_t kSlots = uint32_t{1} << kBits;
  static constexpr uint32_t kUnknown = UINT32_MAX;

  static uint32_t SlotOf(uint64_t key_hash) {
    return static_cast<uint32_t>(key_hash >> (64 - kBits));
  }

  // Returns the index of the owner, or kUnknown.
  uint32_t Get(uint32_t slot) const {
    if (entries_ == nullptr) return kUnknown;
    return entries_[slot].load(std::memory_order_relaxed) - 1;
  }
  void Set(uint32_t slot, uint32_t owner) {
    if (entries_ == nullptr) return;
    entries_[slot].store(owner + 1, std::memory_order_relaxed);
  }

 private:
  // Holds owner + 1, so that zeroed memory is an empty cache.
  using Entry = std::atomic<uint32_t>;
  static constexpr size_t kBytes = kSlots * sizeof(Entry);
  struct Unmap {
    void operator()(Entry* entries) const { munmap(entries, kBytes); }
  };
  static Entry* Map() {
    void* const pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                             /*fd=*/-1, /*offset=*/0);
    return pages == MAP_FAILED ? nullptr : static_cast<Entry*>(pages);
  }

  // Each role has its own cache, and most roles have few keys, so the memory
  // comes from mmap(): its pages are zero and cost nothing until touched.  With
  // calloc() the thread sanitizer would mark all 2 MB.  Null when the system
  // has no memory; every pick then computes the owner.
  const std::unique_ptr<Entry[], Unmap> entries_{Map()};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_OWNER_CACHE_H_

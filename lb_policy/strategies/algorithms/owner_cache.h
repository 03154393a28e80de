// OwnerCache: which member owns which slot of the key space, as far as picks
// have found out.
//
// There are 2^19 slots, whatever the number of members; a key's slot is the top
// bits of its hash.  At 1,000 members a member then owns 524 slots, so its
// share is within 4.4 % (one sigma) of the mean, and the most loaded member
// gets less than 1.2 times the mean.  Another number of slots would move keys.
//
// Memory: 2 MB of address space, of which only the pages that keys in use fall
// on become memory.
//
// Threads: any, with relaxed order: an entry only caches a value that every
// thread would compute alike.
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

  // Index of the owner, or kUnknown.
  uint32_t Get(uint32_t slot) const {
    if (entries_ == nullptr) return kUnknown;
    return entries_[slot].load(std::memory_order_relaxed) - 1;
  }
  void Set(uint32_t slot, uint32_t owner) {
    if (entries_ == nullptr) return;
    entries_[slot].store(owner + 1, std::memory_order_relaxed);
  }

 private:
  // Owner + 1, so that zeros are an empty cache.
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

  // Fresh pages are zero and cost nothing before they are touched: each role
  // has a cache of its own, and most roles have few keys.  Not calloc(), whose
  // 2 MB the thread sanitizer marks one by one.  Null when the system has no
  // memory for it; picks then find each owner anew.
  const std::unique_ptr<Entry[], Unmap> entries_{Map()};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_OWNER_CACHE_H_

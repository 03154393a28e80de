#include "multi_backend/lb_policy/strategies/algorithms/slot_table.h"

#include <sys/mman.h>

#include <new>

namespace multi_backend {
namespace {

constexpr size_t kBytes = SlotTable::kSlots * sizeof(uint32_t);

}  // namespace

// Fresh pages are zero and cost nothing before they are touched.  Keys fall all
// over the table, so with small pages most picks would miss the TLB too: the
// table is aligned to its size, which is that of a huge page, and asks for one.
SlotTable::SlotTable() : recent_(new RecentSet[kRecentSets]()) {
  void* memory = mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const uintptr_t start = reinterpret_cast<uintptr_t>(memory);
  entries_ = reinterpret_cast<Entry*>((start + kBytes - 1) & ~(kBytes - 1));
  madvise(entries_, kBytes, MADV_HUGEPAGE);  // Only a wish.
  memory_ = memory;
}

SlotTable::~SlotTable() { munmap(memory_, 2 * kBytes); }

uint32_t SlotTable::GetAndKeep(uint32_t slot) {
  const uint32_t owner = Get(slot);
  if (owner < kMaxRecentOwner) {
    const uint32_t victim = next_victim_.load(std::memory_order_relaxed);
    next_victim_.store(victim + 1, std::memory_order_relaxed);
    std::atomic<uint64_t>& pair =
        recent_[slot % kRecentSets].pairs[victim / 2 % 2];
    const int shift = victim % 2 * 32;
    const uint64_t entry = slot / kRecentSets << kOwnerBits | (owner + 1);
    pair.store((pair.load(std::memory_order_relaxed) &
                ~(uint64_t{UINT32_MAX} << shift)) |
                   entry << shift,
               std::memory_order_relaxed);
  }
  return owner;
}

}  // namespace multi_backend

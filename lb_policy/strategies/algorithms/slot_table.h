// SlotTable: a cache of which member owns which slot of the key space.
//
// There are 2^19 slots, whatever the number of members; a key's slot is the top
// bits of its hash.  The number: at 1,000 members a member owns 524 slots, so
// its share is within 4.4 % (one sigma) of the mean; the most loaded of them is
// then below 1.2 times the mean.  The cost is 2 MB of address space, of which
// only the touched pages become memory.
//
// The keys that are in use at a time are far fewer than the slots, and each of
// their slots is a cache line of its own.  So what was asked for last is kept
// once more, close together, in 32 KB.
//
// Threads: any, with relaxed order: an entry only caches a value that every
// thread would compute alike.
#ifndef MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_SLOT_TABLE_H_
#define MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_SLOT_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/optimization.h"

namespace multi_backend {

class SlotTable {
 public:
  static constexpr int kBits = 19;
  static constexpr uint32_t kSlots = uint32_t{1} << kBits;
  static constexpr uint32_t kUnknown = UINT32_MAX;

  static uint32_t SlotOf(uint64_t key_hash) {
    return static_cast<uint32_t>(key_hash >> (64 - kBits));
  }

  SlotTable();
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // Index of the owner, or kUnknown.
  uint32_t Get(uint32_t slot) const {
    return entries_[slot].load(std::memory_order_relaxed) - 1;
  }
  // The same, quicker for a slot that was asked for not long ago.
  uint32_t GetRecent(uint32_t slot) {
    const RecentSet& set = recent_[slot % kRecentSets];
    const uint64_t a = set.pairs[0].load(std::memory_order_relaxed);
    const uint64_t b = set.pairs[1].load(std::memory_order_relaxed);
    const uint32_t tag = slot / kRecentSets << kOwnerBits;
    // The smallest one has the right tag, if one has: with the tag 0, too, an
    // empty one becomes the largest number.
    const uint32_t owner =
        Smaller(Smaller((static_cast<uint32_t>(a) ^ tag) - 1,
                        (static_cast<uint32_t>(a >> 32) ^ tag) - 1),
                Smaller((static_cast<uint32_t>(b) ^ tag) - 1,
                        (static_cast<uint32_t>(b >> 32) ^ tag) - 1));
    if (ABSL_PREDICT_TRUE(owner < kMaxRecentOwner)) return owner;
    return GetAndKeep(slot);
  }
  void Set(uint32_t slot, uint32_t owner) {
    entries_[slot].store(owner + 1, std::memory_order_relaxed);
  }

 private:
  // Four slots that were asked for, two a word: of each the upper bits, and
  // owner + 1.  With 2,000 keys in use 2 % of them are in sets of more than
  // four; with two slots a set it were 9 %.
  struct RecentSet {
    std::atomic<uint64_t> pairs[2];
  };
  static constexpr uint32_t kRecentSets = 2048;
  static constexpr int kOwnerBits = 24;
  static constexpr uint32_t kMaxRecentOwner = (uint32_t{1} << kOwnerBits) - 1;
  static_assert(kSlots / kRecentSets <= uint32_t{1} << (32 - kOwnerBits),
                "the tag fits");

  // By value: std::min() becomes a branch, which nobody could foretell.
  static uint32_t Smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }
  uint32_t GetAndKeep(uint32_t slot);

  using Entry = std::atomic<uint32_t>;
  static_assert(sizeof(Entry) == sizeof(uint32_t), "entries come from mmap");

  // Owner + 1; 0 = unknown, so that fresh zero pages are an empty table.
  Entry* entries_;  // Inside memory_.
  void* memory_;
  const std::unique_ptr<RecentSet[]> recent_;
  // Whose place in its set the next one takes.  By turns over all sets, that
  // is, as good as at random: of keys that come round and round and are one too
  // many for their set, the oldest would always be the next to be asked for.
  std::atomic<uint32_t> next_victim_{0};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_STRATEGIES_ALGORITHMS_SLOT_TABLE_H_

// What was worked out for a method name, remembered: a bounded map from full
// method name ("/pkg.Service/Method") to a small value.
//
// Guarantees: at most kMaxEntries names of at most kMaxNameLength bytes are
// kept, whatever the application calls; what does not fit is simply not
// remembered.  An entry never changes and is never dropped before the cache.
// The key is the name's content: the address of a name says nothing, because
// generic stubs reuse buffers for other names.
//
// Cost: Find is one hash and one comparison of the name, without a lock; Insert
// takes a mutex.  8 to 24 bytes of table, the name and the value per entry.
// Threads: all functions are thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_
#define MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// A hash of a method name's content; equal in all threads of this process.
uint64_t HashMethodName(absl::string_view name);

// `Value` is a pointer or another small value without a destructor.
template <typename Value>
class MethodCache {
  static_assert(std::is_trivially_copyable<Value>::value,
                "found values are handed out while others are inserted");

 public:
  // More methods than any real service has; beyond it the names are made up by
  // the application (or come from outside), and would only fill memory.
  static constexpr size_t kMaxEntries = 4096;
  static constexpr size_t kMaxNameLength = 512;

  MethodCache() {
    std::lock_guard<std::mutex> lock(mu_);
    AddTableLocked(kFirstTableSize);
  }

  MethodCache(const MethodCache&) = delete;
  MethodCache& operator=(const MethodCache&) = delete;

  // The remembered value, or nullptr; valid as long as the cache.
  const Value* Find(absl::string_view name) const {
    const uint64_t hash = HashMethodName(name);
    const Table* table = current_.load(std::memory_order_acquire);
    return FindIn(*table, hash, name);
  }

  // Remembers `value`, if there is room and no value is there yet.
  void Insert(absl::string_view name, Value value) {
    if (name.size() > kMaxNameLength) return;
    const uint64_t hash = HashMethodName(name);
    std::lock_guard<std::mutex> lock(mu_);
    if (entries_.size() >= kMaxEntries) return;
    if (FindIn(*tables_.back(), hash, name) != nullptr) return;
    entries_.push_back(
        std::make_unique<Entry>(Entry{hash, std::string(name), value}));
    // At most half full, so that a chain of probes stays short.
    if (entries_.size() * 2 > tables_.back()->slots.size()) {
      AddTableLocked(tables_.back()->slots.size() * 2);
    } else {
      Place(*tables_.back(), entries_.back().get());
    }
  }

  size_t size() const {
    std::lock_guard<std::mutex> lock(mu_);
    return entries_.size();
  }

 private:
  static constexpr size_t kFirstTableSize = 64;  // A power of two.

  struct Entry {
    uint64_t hash;
    std::string name;
    Value value;
  };

  // Open addressing with linear probing; a slot goes from null to an entry
  // once.  Never full, so each search ends.
  struct Table {
    explicit Table(size_t size) : mask(size - 1), slots(size) {}
    const size_t mask;
    std::vector<std::atomic<const Entry*>> slots;
  };

  static const Value* FindIn(const Table& table, uint64_t hash,
                             absl::string_view name) {
    for (size_t i = hash & table.mask;; i = (i + 1) & table.mask) {
      const Entry* entry = table.slots[i].load(std::memory_order_acquire);
      if (entry == nullptr) return nullptr;
      if (entry->hash == hash && entry->name == name) return &entry->value;
    }
  }

  static void Place(Table& table, const Entry* entry) {
    size_t i = entry->hash & table.mask;
    while (table.slots[i].load(std::memory_order_relaxed) != nullptr) {
      i = (i + 1) & table.mask;
    }
    table.slots[i].store(entry, std::memory_order_release);
  }

  void AddTableLocked(size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    tables_.push_back(std::make_unique<Table>(size));
    for (const auto& entry : entries_) Place(*tables_.back(), entry.get());
    current_.store(tables_.back().get(), std::memory_order_release);
  }

  // Not absl::Mutex: the thread sanitizer does not see through the
  // distribution's build of it.
  mutable std::mutex mu_;
  // Written under mu_; readers take whatever table is current.
  std::atomic<const Table*> current_{nullptr};
  // The last is current.  Outgrown ones stay, because a reader may be in one;
  // doubling makes all of them together smaller than the last.
  std::vector<std::unique_ptr<Table>> tables_ ABSL_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Entry>> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_

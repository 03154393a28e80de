// MethodCache: a bounded map from the full name of a method
// ("/pkg.Service/Method") to a small value, for results that are computed once
// per method.
//
// Guarantees: the cache keeps at most kMaxEntries names of at most
// kMaxNameLength bytes, whatever the application calls; further names are not
// remembered.  An entry never changes and lives as long as the cache.  Names
// are compared by content.  Their addresses mean nothing, because generic stubs
// reuse a buffer for different names.
//
// Cost: Find() hashes and compares the name once and takes no lock.  Insert()
// takes a mutex.  An entry costs 8 to 24 bytes of table, the name and the
// value.
//
// Threads: all functions are thread-safe.
#ifndef MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_
#define MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

// Returns a hash of the name's content, which is the same in all threads of
// this process.
uint64_t HashMethodName(absl::string_view name);

// `Value` must be a pointer or another small value without a destructor.
template <typename Value>
class MethodCache {
  static_assert(std::is_trivially_copyable<Value>::value,
                "found values are handed out while others are inserted");

 public:
  // More methods than any real service has.  Beyond that the application, or a
  // client behind it, makes up the names, and remembering them would only fill
  // memory.
  static constexpr size_t kMaxEntries = 4096;
  static constexpr size_t kMaxNameLength = 512;

  MethodCache() {
    MutexLock lock(&mu_);
    AddTableLocked(kFirstTableSize);
  }

  MethodCache(const MethodCache&) = delete;
  MethodCache& operator=(const MethodCache&) = delete;

  // Returns the remembered value, or nullptr.  The pointer is valid as long as
  // the cache.
  const Value* Find(absl::string_view name) const {
    const uint64_t hash = HashMethodName(name);
    const Table* table = current_.load(std::memory_order_acquire);
    return FindIn(*table, hash, name);
  }

  // Remembers `value`, unless the cache is full or already has a value for
  // `name`.
  void Insert(absl::string_view name, Value value) {
    if (name.size() > kMaxNameLength) return;
    const uint64_t hash = HashMethodName(name);
    MutexLock lock(&mu_);
    if (entries_.size() >= kMaxEntries) return;
    if (FindIn(*tables_.back(), hash, name) != nullptr) return;
    entries_.push_back(
        std::make_unique<Entry>(Entry{hash, std::string(name), value}));
    // Tables are at most half full, so that searches stay short.
    if (entries_.size() * 2 > tables_.back()->slots.size()) {
      AddTableLocked(tables_.back()->slots.size() * 2);
    } else {
      Place(*tables_.back(), entries_.back().get());
    }
  }

  size_t size() const {
    MutexLock lock(&mu_);
    return entries_.size();
  }

 private:
  static constexpr size_t kFirstTableSize = 64;  // A power of two.

  struct Entry {
    uint64_t hash;
    std::string name;
    Value value;
  };

  // Open addressing with linear probing.  A slot changes only once, from null
  // to an entry.  A table is never full, so each search ends.
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

  mutable Mutex mu_;
  // Written under mu_.  Readers use whichever table is current.
  std::atomic<const Table*> current_{nullptr};
  // The last table is current.  Smaller ones are kept, because a reader may
  // still be in one.  Sizes double, so all kept tables together are smaller
  // than the current one.
  std::vector<std::unique_ptr<Table>> tables_ ABSL_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Entry>> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_INTERCEPTORS_METHOD_CACHE_H_

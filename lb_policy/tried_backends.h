// TriedBackends: the backends that a call has been sent to, at most one per
// attempt.
#ifndef MULTI_BACKEND_LB_POLICY_TRIED_BACKENDS_H_
#define MULTI_BACKEND_LB_POLICY_TRIED_BACKENDS_H_

#include <cstddef>
#include <cstdint>

namespace multi_backend {

// Core makes at most 5 attempts by configuration.  Transparent retries may add
// more, but each removes its backend from the list first, so the list overflows
// only if every other limit on attempts has failed.  It then forgets the oldest
// backend.
class TriedBackends {
 public:
  static constexpr size_t kCapacity = 8;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  bool Contains(uint32_t id) const {
    for (size_t i = 0; i < size_; ++i) {
      if (ids_[i] == id) return true;
    }
    return false;
  }
  void Add(uint32_t id) {
    if (Contains(id)) return;
    if (size_ == kCapacity) {
      for (size_t i = 1; i < kCapacity; ++i) ids_[i - 1] = ids_[i];
      --size_;
    }
    ids_[size_++] = id;
  }
  void Remove(uint32_t id) {
    for (size_t i = 0; i < size_; ++i) {
      if (ids_[i] != id) continue;
      for (size_t j = i + 1; j < size_; ++j) ids_[j - 1] = ids_[j];
      --size_;
      return;
    }
  }

 private:
  uint32_t size_ = 0;
  uint32_t ids_[kCapacity] = {};
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_TRIED_BACKENDS_H_

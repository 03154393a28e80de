// ObjectSlab: memory for the objects of one type, side by side in large blocks,
// so that walking over thousands of them costs few page-table misses.
//
// Blocks are kept for the next objects when theirs have gone: what a process
// has had at one time is what it keeps.  Under AddressSanitizer it is the plain
// heap, which finds the use of what is gone.
//
// Threads: any.  Cost: a lock and a pop each way.
#ifndef MULTI_BACKEND_LB_POLICY_OBJECT_SLAB_H_
#define MULTI_BACKEND_LB_POLICY_OBJECT_SLAB_H_

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "absl/base/thread_annotations.h"

namespace multi_backend {

template <typename T>
class ObjectSlab {
 public:
  static void* Allocate() {
#ifdef __SANITIZE_ADDRESS__
    return ::operator new(sizeof(T), std::align_val_t(alignof(T)));
#else
    ObjectSlab& slab = Get();
    std::lock_guard<std::mutex> lock(slab.mutex_);
    if (slab.free_.empty()) slab.Grow();
    void* memory = slab.free_.back();
    slab.free_.pop_back();
    return memory;
#endif
  }
  static void Free(void* memory) {
#ifdef __SANITIZE_ADDRESS__
    ::operator delete(memory, std::align_val_t(alignof(T)));
#else
    ObjectSlab& slab = Get();
    std::lock_guard<std::mutex> lock(slab.mutex_);
    slab.free_.push_back(memory);
#endif
  }

 private:
  // The first block serves a channel with a handful; each next one is as large
  // as all before it.
  static constexpr size_t kFirstBlock = 16;

  // Never destroyed: objects may outlive static destructors.
  static ObjectSlab& Get() {
    static ObjectSlab* const slab = new ObjectSlab();
    return *slab;
  }

  void Grow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t count = total_ == 0 ? kFirstBlock : total_;
    char* block = static_cast<char*>(
        ::operator new(count * sizeof(T), std::align_val_t(alignof(T))));
    total_ += count;
    // In address order: they are taken from the back.
    for (size_t i = count; i > 0; --i) {
      free_.push_back(block + (i - 1) * sizeof(T));
    }
  }

  std::mutex mutex_;
  size_t total_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<void*> free_ ABSL_GUARDED_BY(mutex_);
};

// Owns one that MakeInSlab() has made.
template <typename T>
struct SlabDelete {
  void operator()(T* object) const {
    object->~T();
    ObjectSlab<T>::Free(object);
  }
};
template <typename T>
using SlabPtr = std::unique_ptr<T, SlabDelete<T>>;

template <typename T>
SlabPtr<T> MakeInSlab() {
  return SlabPtr<T>(new (ObjectSlab<T>::Allocate()) T());
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_LB_POLICY_OBJECT_SLAB_H_

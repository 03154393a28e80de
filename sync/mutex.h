// Mutex, MutexLock and CondVar: std::mutex and std::condition_variable with the
// annotations of absl/base/thread_annotations.h, which clang checks
// (tools/check_clang).
//
//   class Counter {
//    public:
//     void Increment() ABSL_LOCKS_EXCLUDED(mutex_) {
//       MutexLock lock(&mutex_);
//       ++count_;
//       changed_.SignalAll();
//     }
//     void AwaitPositive() ABSL_LOCKS_EXCLUDED(mutex_) {
//       MutexLock lock(&mutex_);
//       while (count_ <= 0) changed_.Wait(&mutex_);
//     }
//
//    private:
//     Mutex mutex_;
//     CondVar changed_;
//     int count_ ABSL_GUARDED_BY(mutex_) = 0;
//   };
//
// Why not std::mutex: libstdc++ does not annotate it, so clang would check
// nothing.  Why not absl::Mutex: the distribution's Abseil is built without the
// thread sanitizer, which then does not see its locks and reports races that do
// not exist.
//
// lock_wait.h says how long threads have waited for these locks.
#ifndef MULTI_BACKEND_SYNC_MUTEX_H_
#define MULTI_BACKEND_SYNC_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "multi_backend/sync/lock_wait.h"

namespace multi_backend {

class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  // Prefer MutexLock.  These are for a function that gives the lock up while it
  // runs a callback.
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (!mutex_.try_lock()) LockWait::Lock(mutex_);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  // Locks and returns true, or returns false at once when the lock is held; now
  // and then also when it is free.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mutex_.try_lock();
  }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds the lock until the end of the scope.  An object that must be destroyed
// without the lock is declared before the MutexLock.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// A wait releases the mutex and has locked it again when it returns.  It may
// return without a signal, so callers wait in a loop that tests the condition.
class CondVar {
 public:
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Adopted lock(mutex);
    condition_.wait(lock.lock);
  }
  // Also returns at `end`.
  void WaitUntil(Mutex* mutex, std::chrono::steady_clock::time_point end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Adopted lock(mutex);
    condition_.wait_until(lock.lock, end);
  }

  // Wakes one waiting thread, if there is one.
  void Signal() { condition_.notify_one(); }
  // Wakes all waiting threads.
  void SignalAll() { condition_.notify_all(); }

 private:
  // The std::unique_lock that std::condition_variable asks for, of a mutex that
  // the caller has locked and unlocks.
  struct Adopted {
    explicit Adopted(Mutex* mutex) : lock(mutex->mutex_, std::adopt_lock) {}
    ~Adopted() { lock.release(); }
    std::unique_lock<std::mutex> lock;
  };

  std::condition_variable condition_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_SYNC_MUTEX_H_

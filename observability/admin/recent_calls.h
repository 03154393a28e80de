// RecentCalls: a ring of the calls that a process has made lately, bounded in
// number and in bytes.
//
// Threads: any.  Add() holds the lock for the move of a pointer only, Get() for
// a copy of the pointers.
#ifndef MULTI_BACKEND_OBSERVABILITY_ADMIN_RECENT_CALLS_H_
#define MULTI_BACKEND_OBSERVABILITY_ADMIN_RECENT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "multi_backend/observability/admin/admin.pb.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

struct RecentCallsLimits {
  size_t calls;
  size_t bytes;  // Of the messages, without the allocator's overhead.
};

class RecentCalls {
 public:
  explicit RecentCalls(RecentCallsLimits limits) : limits_(limits) {}

  // Sets the call's sequence number, and drops the oldest calls as needed.  A
  // call that alone is above the limit is dropped itself.
  void Add(std::unique_ptr<admin::v1::Call> call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Newest first.  Leaves `one_in` to the caller.
  admin::v1::Calls Get(const admin::v1::GetCallsRequest& request) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    std::shared_ptr<const admin::v1::Call> call;
    size_t bytes;
  };

  const RecentCallsLimits limits_;
  mutable Mutex mutex_;
  std::deque<Entry> calls_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_ADMIN_RECENT_CALLS_H_

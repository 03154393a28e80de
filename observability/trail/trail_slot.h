// TrailSlot: where a call leaves its trail for the application.  TrailSlots
// finds a slot by the number that travels with the call.
//
// The slot outlives whoever goes first: the application's AttemptTrail and the
// call each hold a reference.
//
// Thread-safe.
#ifndef MULTI_BACKEND_OBSERVABILITY_TRAIL_TRAIL_SLOT_H_
#define MULTI_BACKEND_OBSERVABILITY_TRAIL_TRAIL_SLOT_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "multi_backend/observability/trail/call_trail.h"
#include "multi_backend/sync/mutex.h"

namespace multi_backend {

class TrailSlot {
 public:
  // --- For the call ----------------------------------------------------------

  // A call takes the slot.  False, and an error of status(), if another call
  // has taken it before.
  bool Take();
  // The call has ended.
  void Finish(CallTrail trail);

  // --- For both --------------------------------------------------------------

  // Keeps the first error, and no trail from then on.
  void Fail(absl::Status error);

  // --- For the application ---------------------------------------------------

  absl::Status status() const;
  bool has_ended() const;
  // Empty before the call's end, and after an error.
  CallTrail trail() const;

 private:
  void FailLocked(absl::Status error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  CallTrail trail_ ABSL_GUARDED_BY(mutex_);
};

// The slots whose AttemptTrail lives.  Calls without a trail never come here.
class TrailSlots {
 public:
  static TrailSlots& Get();

  // Returns the slot's number, which is not 0 and never used again.
  uint64_t Add(std::shared_ptr<TrailSlot> slot);
  void Remove(uint64_t number);
  // Null for a number that is not, or no longer, one of a slot.
  std::shared_ptr<TrailSlot> Find(uint64_t number) const;

 private:
  mutable Mutex mutex_;
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, std::shared_ptr<TrailSlot>> slots_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_OBSERVABILITY_TRAIL_TRAIL_SLOT_H_

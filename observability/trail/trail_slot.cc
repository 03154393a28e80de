#include "multi_backend/observability/trail/trail_slot.h"

#include <utility>

namespace multi_backend {

bool TrailSlot::Take() {
  MutexLock lock(&mutex_);
  if (!taken_) {
    taken_ = true;
    return status_.ok();
  }
  FailLocked(absl::FailedPreconditionError(
      "AttemptTrail: two calls have had this trail: make a context and a trail "
      "for each call"));
  return false;
}

void TrailSlot::Finish(CallTrail trail) {
  MutexLock lock(&mutex_);
  ended_ = true;
  if (status_.ok()) trail_ = std::move(trail);
}

void TrailSlot::Fail(absl::Status error) {
  MutexLock lock(&mutex_);
  FailLocked(std::move(error));
}

void TrailSlot::FailLocked(absl::Status error) {
  if (status_.ok()) status_ = std::move(error);
  trail_ = CallTrail();
}

absl::Status TrailSlot::status() const {
  MutexLock lock(&mutex_);
  return status_;
}

bool TrailSlot::has_ended() const {
  MutexLock lock(&mutex_);
  return ended_;
}

CallTrail TrailSlot::trail() const {
  MutexLock lock(&mutex_);
  return trail_;
}

TrailSlots& TrailSlots::Get() {
  // Never destroyed, because calls may run until the process ends.
  static auto* const slots = new TrailSlots();
  return *slots;
}

uint64_t TrailSlots::Add(std::shared_ptr<TrailSlot> slot) {
  MutexLock lock(&mutex_);
  slots_.emplace(++last_, std::move(slot));
  return last_;
}

void TrailSlots::Remove(uint64_t number) {
  MutexLock lock(&mutex_);
  slots_.erase(number);
}

std::shared_ptr<TrailSlot> TrailSlots::Find(uint64_t number) const {
  MutexLock lock(&mutex_);
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : found->second;
}

}  // namespace multi_backend

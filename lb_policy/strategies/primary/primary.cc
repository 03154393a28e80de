#include "multi_backend/lb_policy/strategies/primary/primary.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace multi_backend {

class Primary::Now {
 public:
  explicit Now(const Clock* clock) : clock_(clock) {}
  int64_t Nanos() {
    if (!read_) {
      nanos_ = clock_->NowNanos();
      read_ = true;
    }
    return nanos_;
  }

 private:
  const Clock* clock_;
  int64_t nanos_ = 0;
  bool read_ = false;
};

Primary::Primary(StrategyArgs args)
    : members_(std::move(args.members)),
      order_(members_.size()),
      hold_down_nanos_(absl::ToInt64Nanoseconds(args.config.hold_down)),
      clock_(args.clock) {
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(),
                   [this](uint32_t a, uint32_t b) {
                     return members_[a].priority < members_[b].priority;
                   });
  if (args.previous == nullptr) return;
  const size_t was = static_cast<const Primary*>(args.previous)
                         ->current_.load(std::memory_order_relaxed);
  if (was == kNone) return;
  const auto it =
      std::find(args.previous_index.begin(), args.previous_index.end(), was);
  if (it == args.previous_index.end()) return;
  current_.store(it - args.previous_index.begin(), std::memory_order_relaxed);
}

size_t Primary::Pick(const PickRequest& request) {
  Now now(clock_);
  const size_t current = current_.load(std::memory_order_relaxed);
  if (!request.excludes_any()) {
    const size_t choice = Choose(request, current, now);
    if (choice != current && choice != kNone) {
      current_.store(choice, std::memory_order_relaxed);
    }
    return choice;
  }
  // What this call has tried, or what refuses it, says nothing about other
  // calls.  Their member stays the current one.
  return Choose(request, current, now);
}

// Returns the first that is eligible of: a settled member better than the
// current one, the current member, a settled worse one, an unsettled one.
size_t Primary::Choose(const PickRequest& request, size_t current,
                       Now& now) const {
  size_t unsettled = kNone;
  for (const uint32_t index : order_) {
    const Member& member = members_[index];
    if (!member.Eligible(request)) continue;
    if (index == current || Settled(member, now)) return index;
    if (unsettled == kNone) unsettled = index;
  }
  return unsettled;
}

bool Primary::Settled(const Member& member, Now& now) const {
  if (hold_down_nanos_ <= 0) return true;
  const int64_t since =
      member.load->usable_since_nanos.load(std::memory_order_relaxed);
  if (since == INT64_MIN) return true;
  return now.Nanos() - since >= hold_down_nanos_;
}

}  // namespace multi_backend

#include "multi_backend/lb_policy/strategies/round_robin/round_robin.h"

#include <utility>

#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

// Returns the member that was next or, if it has left, the first member after
// it in the old order that is still there; kNone if all have left.
size_t ContinueFrom(size_t old_next,
                    const std::vector<size_t>& previous_index) {
  // An old index before old_next is due one cycle later.  Unsigned subtraction
  // wraps around, so it yields that order.
  size_t best = Strategy::kNone;
  size_t best_distance = Strategy::kNone;
  for (size_t i = 0; i < previous_index.size(); ++i) {
    if (previous_index[i] == Strategy::kNone) continue;
    const size_t distance = previous_index[i] - old_next;
    if (best == Strategy::kNone || distance < best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace

RoundRobin::RoundRobin(StrategyArgs args) : members_(std::move(args.members)) {
  if (members_.empty()) return;
  size_t start = kNone;
  if (args.previous != nullptr) {
    const auto* previous = static_cast<const RoundRobin*>(args.previous);
    start = ContinueFrom(previous->next_.load(std::memory_order_relaxed),
                         args.previous_index);
  }
  if (start == kNone) {
    start = FastRandom(args.seed).Below(static_cast<uint32_t>(members_.size()));
  }
  next_.store(start, std::memory_order_relaxed);
}

size_t RoundRobin::Pick(const PickRequest& request) {
  const size_t size = members_.size();
  size_t index = next_.load(std::memory_order_relaxed);
  for (size_t passed = 0; passed < size; ++passed) {
    const size_t current = index;
    if (++index == size) index = 0;
    if (members_[current].Eligible(request)) {
      next_.store(index, std::memory_order_relaxed);
      return current;
    }
  }
  return kNone;
}

}  // namespace multi_backend

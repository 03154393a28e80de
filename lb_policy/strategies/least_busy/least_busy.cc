#include "multi_backend/lb_policy/strategies/least_busy/least_busy.h"

#include <utility>

#include "absl/numeric/bits.h"
#include "absl/numeric/int128.h"

namespace multi_backend {
namespace {

uint64_t InFlight(const LoadStats& load) {
  const int64_t calls = load.in_flight.load(std::memory_order_relaxed);
  return calls > 0 ? static_cast<uint64_t>(calls) : 0;
}

// in_flight / weight, compared by cross-multiplication.  The products fit into
// 64 bits: fewer than 2^32 calls are in flight, and weights have 32 bits.
struct Busyness {
  uint64_t calls;
  uint64_t weight;

  bool operator<(const Busyness& other) const {
    return calls * other.weight < other.calls * weight;
  }
};

Busyness BusynessOf(const Member& member) {
  return {InFlight(*member.load), member.weight};
}

}  // namespace

LeastBusy::LeastBusy(StrategyArgs args)
    : members_(std::move(args.members)),
      choices_(members_, args.seed),
      random_(~args.seed) {}

size_t LeastBusy::Pick(const PickRequest& request) {
  if (members_.size() <= kCompareAllUpTo) return PickOfAll(request);
  return choices_.Pick(request, [this](uint32_t a, uint32_t b) {
    // The order of a and b is random, so a tie is settled at random.
    return BusynessOf(members_[b]) < BusynessOf(members_[a]) ? b : a;
  });
}

size_t LeastBusy::PickOfAll(const PickRequest& request) {
  uint32_t tied = 0;  // Bit i: member i is among the best so far.
  Busyness best{0, 0};
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].Eligible(request)) continue;
    const Busyness busyness = BusynessOf(members_[i]);
    if (tied == 0 || busyness < best) {
      best = busyness;
      tied = uint32_t{1} << i;
    } else if (!(best < busyness)) {
      tied |= uint32_t{1} << i;
    }
  }
  if (tied == 0) return kNone;
  if ((tied & (tied - 1)) == 0) return absl::countr_zero(tied);
  return DrawTied(tied);
}

size_t LeastBusy::DrawTied(uint32_t tied) {
  uint64_t total = 0;
  for (uint32_t rest = tied; rest != 0; rest &= rest - 1) {
    total += members_[absl::countr_zero(rest)].weight;
  }
  uint64_t point = absl::Uint128High64(absl::uint128(random_.Next()) * total);
  for (;; tied &= tied - 1) {
    const int index = absl::countr_zero(tied);
    if (point < members_[index].weight) return index;
    point -= members_[index].weight;
  }
}

}  // namespace multi_backend

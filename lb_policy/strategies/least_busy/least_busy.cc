#include "multi_backend/lb_policy/strategies/least_busy/least_busy.h"

#include <algorithm>
#include <utility>

#include "absl/numeric/bits.h"
#include "absl/numeric/int128.h"

namespace multi_backend {
namespace {

// Fewer held calls than this count as none, so that the member takes part in
// ties again.
constexpr double kForgotten = 0.1;

// The share of the newest pair in the estimate of total_calls_.
constexpr double kPairShare = 1.0 / 16;

}  // namespace

LeastBusy::LeastBusy(StrategyArgs args)
    : members_(std::move(args.members)),
      choices_(members_, args.seed),
      random_(~args.seed),
      held_(members_.size()) {
  for (size_t i = 0; i < members_.size(); ++i) {
    held_[i].failures =
        members_[i].load->failures.load(std::memory_order_relaxed);
  }
}

size_t LeastBusy::Pick(const PickRequest& request) {
  if (request.not_admitting.empty()) {
    ++picks_;
  } else {
    HoldIfRefused(request);
  }
  last_ = members_.size() <= kCompareAllUpTo ? PickOfAll(request)
                                             : PickOfTwo(request);
  return last_;
}

// The same call picks again because the member that it was given refused it.
void LeastBusy::HoldIfRefused(const PickRequest& request) {
  if (last_ == kNone || members_[last_].balancer != nullptr) return;
  if (members_[last_].id == request.not_admitting.back()) {
    held_[last_].calls += 1;
  }
}

LeastBusy::Busyness LeastBusy::Look(size_t index) {
  const Member& member = members_[index];
  Held& held = held_[index];
  const uint32_t failures =
      member.load->failures.load(std::memory_order_relaxed);
  if (held.calls > 0 || failures != held.failures) {
    const double lifetime = std::max(1.0, total_calls_);
    const double age = picks_ - held.pick;
    held.calls *= std::max(0.0, 1 - age / lifetime);
    if (held.calls < kForgotten) held.calls = 0;
    // No more of this balancer's calls can have failed since the last look.
    // There may have been more failures of other balancers' calls.
    held.calls += std::min<double>(failures - held.failures, lifetime);
    held.failures = failures;
  }
  held.pick = picks_;
  const int64_t calls = member.load->in_flight.load(std::memory_order_relaxed);
  return {static_cast<double>(std::max<int64_t>(calls, 0)) + held.calls,
          static_cast<double>(member.weight)};
}

size_t LeastBusy::PickOfTwo(const PickRequest& request) {
  return choices_.Pick(request, [this](uint32_t a, uint32_t b) {
    const Busyness of_a = Look(a);
    const Busyness of_b = Look(b);
    const double total =
        (of_a.calls + of_b.calls) / 2 * static_cast<double>(members_.size());
    total_calls_ += (total - total_calls_) * kPairShare;
    // The order of a and b is random, so a tie is settled at random.
    return of_b < of_a ? b : a;
  });
}

size_t LeastBusy::PickOfAll(const PickRequest& request) {
  uint32_t tied = 0;  // Bit i: member i is among the best so far.
  Busyness best{0, 0};
  double total = 0;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].Eligible(request)) continue;
    const Busyness busyness = Look(i);
    total += busyness.calls;
    if (tied == 0 || busyness < best) {
      best = busyness;
      tied = uint32_t{1} << i;
    } else if (!(best < busyness)) {
      tied |= uint32_t{1} << i;
    }
  }
  if (request.not_admitting.empty()) total_calls_ = total;
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

#include "multi_backend/lb_policy/strategies/random/random.h"

#include <utility>

#include "absl/numeric/int128.h"

namespace multi_backend {
namespace {

// Draws made before the exact scan.  With half of the members ineligible, one
// pick in 16 has to scan.  More draws would only help until the next plan,
// which leaves unusable members out.
constexpr int kDraws = 4;

size_t ScanEligible(absl::Span<const Member> members, FastRandom& random,
                    const PickRequest& request) {
  // Each eligible member replaces the choice with probability weight / (sum so
  // far), so each ends up as the choice with probability weight / (final sum).
  size_t choice = Strategy::kNone;
  uint64_t sum = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    if (!members[i].Eligible(request)) continue;
    sum += members[i].weight;
    const uint64_t point =
        absl::Uint128High64(absl::uint128(random.Next()) * sum);
    if (point < members[i].weight) choice = i;
  }
  return choice;
}

}  // namespace

size_t DrawEligible(absl::Span<const Member> members, const WeightedDraw& draw,
                    FastRandom& random, const PickRequest& request) {
  if (members.empty()) return Strategy::kNone;
  for (int i = 0; i < kDraws; ++i) {
    const size_t index = draw.Draw(random);
    if (members[index].Eligible(request)) return index;
  }
  return ScanEligible(members, random, request);
}

Random::Random(StrategyArgs args)
    : members_(std::move(args.members)), draw_(members_), random_(args.seed) {}

size_t Random::Pick(const PickRequest& request) {
  return DrawEligible(members_, draw_, random_, request);
}

}  // namespace multi_backend

#include "multi_backend/tests/testing/strategy_members.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/strategies/make_strategy.h"

namespace multi_backend {
namespace testing {

StrategyMembers::StrategyMembers(const std::vector<uint32_t>& weights)
    : loads_(new LoadStats[weights.size()]),
      clock_(std::make_unique<ManualClock>()) {
  for (size_t i = 0; i < weights.size(); ++i) {
    Member member;
    member.load = &loads_[i];
    // Ids differ from indices, so that a test notices when they are mixed up.
    member.id = static_cast<uint32_t>(100 + i);
    member.weight = weights[i];
    member.hash = Mix64(i + 1);
    members_.push_back(member);
  }
}

StrategyMembers StrategyMembers::Equal(size_t count) {
  return StrategyMembers(std::vector<uint32_t>(count, 1000));
}

void StrategyMembers::SetUsable(size_t i, bool usable) {
  loads_[i].unusable_reasons.store(usable ? 0 : 1);
}

void StrategyMembers::SetInFlight(size_t i, int64_t calls) {
  loads_[i].in_flight.store(calls);
}

std::vector<size_t> StrategyMembers::Everybody() const {
  std::vector<size_t> list(size());
  std::iota(list.begin(), list.end(), 0);
  return list;
}

std::vector<size_t> StrategyMembers::EverybodyBut(size_t left_out) const {
  std::vector<size_t> list = Everybody();
  list.erase(list.begin() + left_out);
  return list;
}

StrategyArgs StrategyMembers::ArgsFor(const BalancerConfig& config,
                                      const std::vector<size_t>& list,
                                      uint64_t seed) const {
  StrategyArgs args;
  args.config = config;
  for (const size_t i : list) args.members.push_back(members_[i]);
  args.clock = clock_.get();
  args.seed = seed;
  return args;
}

ListedStrategy StrategyMembers::Make(const BalancerConfig& config,
                                     std::vector<size_t> list,
                                     uint64_t seed) const {
  auto strategy = MakeStrategy(ArgsFor(config, list, seed));
  return {std::move(strategy), config, std::move(list)};
}

ListedStrategy StrategyMembers::Make(StrategyKind kind,
                                     std::vector<size_t> list,
                                     uint64_t seed) const {
  BalancerConfig config;
  config.strategy = kind;
  return Make(config, std::move(list), seed);
}

ListedStrategy StrategyMembers::MakeNext(const ListedStrategy& previous,
                                         std::vector<size_t> list,
                                         uint64_t seed) const {
  StrategyArgs args = ArgsFor(previous.config, list, seed);
  args.previous = previous.strategy.get();
  for (const size_t i : list) {
    const auto it = std::find(previous.list.begin(), previous.list.end(), i);
    args.previous_index.push_back(it == previous.list.end()
                                      ? Strategy::kNone
                                      : it - previous.list.begin());
  }
  return {MakeStrategy(std::move(args)), previous.config, std::move(list)};
}

PickRequest RequestThatTried(const StrategyMembers& members,
                             const std::vector<size_t>& tried) {
  PickRequest request;
  for (const size_t i : tried) request.tried.Add(members[i].id);
  return request;
}

PickRequest RequestWithKey(uint64_t key_hash) {
  PickRequest request;
  request.has_key = true;
  request.key_hash = key_hash;
  return request;
}

}  // namespace testing
}  // namespace multi_backend

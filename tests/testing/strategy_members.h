// StrategyMembers: the members for a test of one strategy, their statistics,
// and a clock that only the test moves.
//
// A member keeps its index while the test makes lists of some of the members:
//
//   StrategyMembers members({1, 2, 3});            // Weights.
//   auto first = members.Make(StrategyKind::kWeighted, {0, 1, 2});
//   auto next = members.MakeNext(*first, {0, 2});  // The second one left.
//
// Thread-compatible.
#ifndef MULTI_BACKEND_TESTS_TESTING_STRATEGY_MEMBERS_H_
#define MULTI_BACKEND_TESTS_TESTING_STRATEGY_MEMBERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "multi_backend/clock/clock.h"
#include "multi_backend/lb_policy/load_stats.h"
#include "multi_backend/lb_policy/pick_request.h"
#include "multi_backend/lb_policy/strategy.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {
namespace testing {

constexpr std::array<StrategyKind, std::size(kStrategies)> AllKinds() {
  std::array<StrategyKind, std::size(kStrategies)> kinds{};
  for (size_t i = 0; i < kinds.size(); ++i) kinds[i] = kStrategies[i].kind;
  return kinds;
}
// Every strategy that there is.
inline constexpr auto kAllKinds = AllKinds();

class ManualClock : public Clock {
 public:
  int64_t NowNanos() const override {
    ++reads_;
    return now_nanos_;
  }
  void Advance(absl::Duration by) {
    now_nanos_ += absl::ToInt64Nanoseconds(by);
  }
  void Set(int64_t now_nanos) { now_nanos_ = now_nanos; }
  int reads() const { return reads_; }

 private:
  int64_t now_nanos_ = 0;
  mutable std::atomic<int> reads_{0};
};

// A strategy and the members that it was made of.
struct ListedStrategy {
  std::unique_ptr<Strategy> strategy;
  BalancerConfig config;
  std::vector<size_t> list;  // Indices of StrategyMembers.

  // Returns the index in StrategyMembers of the pick, or Strategy::kNone.
  size_t Pick(const PickRequest& request = {}) {
    const size_t index = strategy->Pick(request);
    return index == Strategy::kNone ? index : list[index];
  }
};

class StrategyMembers {
 public:
  explicit StrategyMembers(const std::vector<uint32_t>& weights);
  // `count` members of weight 1000.
  static StrategyMembers Equal(size_t count);

  size_t size() const { return members_.size(); }
  Member& operator[](size_t i) { return members_[i]; }
  const Member& operator[](size_t i) const { return members_[i]; }
  const std::vector<Member>& members() const { return members_; }
  ManualClock& clock() { return *clock_; }

  void SetUsable(size_t i, bool usable);
  void SetInFlight(size_t i, int64_t calls);

  std::vector<size_t> Everybody() const;
  std::vector<size_t> EverybodyBut(size_t left_out) const;

  // Makes a strategy without a predecessor over `list`.
  ListedStrategy Make(StrategyKind kind, std::vector<size_t> list,
                      uint64_t seed = 1) const;
  ListedStrategy Make(const BalancerConfig& config, std::vector<size_t> list,
                      uint64_t seed = 1) const;
  ListedStrategy Make(StrategyKind kind) const {
    return Make(kind, Everybody());
  }
  // Makes the successor of `previous`, with the members as they are now.
  ListedStrategy MakeNext(const ListedStrategy& previous,
                          std::vector<size_t> list, uint64_t seed = 2) const;

 private:
  StrategyArgs ArgsFor(const BalancerConfig& config,
                       const std::vector<size_t>& list, uint64_t seed) const;

  std::unique_ptr<LoadStats[]> loads_;
  std::unique_ptr<ManualClock> clock_;
  std::vector<Member> members_;
};

// The request of a call that has tried the members with these indices.
PickRequest RequestThatTried(const StrategyMembers& members,
                             const std::vector<size_t>& tried);
PickRequest RequestWithKey(uint64_t key_hash);

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_STRATEGY_MEMBERS_H_

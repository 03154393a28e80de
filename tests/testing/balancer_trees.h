// Balancer trees for tests: backends whose attributes a test sets, functions
// that build configurations, and trees of every shape.
//
// Not thread-safe, unless a test says otherwise.
#ifndef MULTI_BACKEND_TESTS_TESTING_BALANCER_TREES_H_
#define MULTI_BACKEND_TESTS_TESTING_BALANCER_TREES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/plan/balancer_node.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace testing {

constexpr uint32_t kNone = BalancerNode::Choice::kNone;

// --- Builders ---------------------------------------------------------------

struct Spec {
  const char* zone;
  uint32_t weight = 1;
  LinkState link = LinkState::kReady;
};

// The backends "0:1", "1:1", … of a channel.  Makes nodes over them.
class Backends {
 public:
  explicit Backends(const std::vector<Spec>& specs)
      : pool_(BackendPool::Create()) {
    for (const Spec& spec : specs) Add(spec);
  }

  void Add(const Spec& spec) {
    Endpoint endpoint = Endpoint::Of(absl::StrCat(entries_.size()), 1);
    endpoint.zone = spec.zone;
    endpoint.weight = spec.weight;
    endpoint.labels["place"] = absl::StrCat(entries_.size());
    PlanEntry entry;
    entry.lease = pool_->Acquire(endpoint.address(), endpoint.address());
    entry.endpoint = std::make_shared<const Endpoint>(std::move(endpoint));
    entry.link = spec.link;
    entries_.push_back(std::move(entry));
  }

  size_t size() const { return entries_.size(); }
  PlanEntry& operator[](size_t i) { return entries_[i]; }
  LoadStats& load(size_t i) { return entries_[i].backend().load; }
  ManualClock& clock() { return clock_; }

  void SetWeight(size_t i, uint32_t weight) {
    entries_[i].endpoint = std::make_shared<const Endpoint>(
        entries_[i].endpoint->WithWeight(weight));
  }
  void SetRole(size_t i, const char* role) {
    entries_[i].endpoint =
        std::make_shared<const Endpoint>(entries_[i].endpoint->WithRole(role));
  }
  void Mark(size_t i, bool usable) {
    const std::string address = absl::StrCat(i, ":1");
    usable ? pool_->MarkHealthy(address) : pool_->MarkUnhealthy(address);
  }
  PickRequest ThatTried(const std::vector<size_t>& tried) {
    PickRequest request;
    for (const size_t i : tried) request.tried.Add(entries_[i].backend().id());
    return request;
  }

  std::unique_ptr<BalancerNode> Make(const BalancerConfig& config,
                                     const BalancerNode* previous = nullptr,
                                     uint64_t seed = 1) {
    std::vector<uint32_t> everybody(entries_.size());
    for (uint32_t i = 0; i < everybody.size(); ++i) everybody[i] = i;
    return MakeOver(everybody, config, previous, seed);
  }
  std::unique_ptr<BalancerNode> MakeOver(
      const std::vector<uint32_t>& candidates, const BalancerConfig& config,
      const BalancerNode* previous = nullptr, uint64_t seed = 1) {
    BalancerNode::Args args;
    args.config = &config;
    args.entries = &entries_;
    args.candidates = candidates;
    args.previous = previous;
    args.clock = &clock_;
    args.seed = seed;
    return BalancerNode::Make(std::move(args));
  }

 private:
  ManualClock clock_;
  std::shared_ptr<BackendPool> pool_;
  std::vector<PlanEntry> entries_;
};

inline BalancerConfig Leaf(StrategyKind kind) {
  BalancerConfig config;
  config.strategy = kind;
  return config;
}

inline BalancerConfig Zone(const char* zone, BalancerConfig config) {
  config.name = zone;
  config.select.zone = zone;
  return config;
}

inline BalancerConfig Inner(StrategyKind kind,
                            std::vector<BalancerConfig> members) {
  BalancerConfig config = Leaf(kind);
  config.members = std::move(members);
  return config;
}

// The zones "eu" and "us" with strategy `leaf`, under a node with `inner`.
inline BalancerConfig TwoZones(StrategyKind inner, StrategyKind leaf) {
  return Inner(inner, {Zone("eu", Leaf(leaf)), Zone("us", Leaf(leaf))});
}

inline std::vector<size_t> PickMany(const BalancerNode& node, size_t count) {
  std::vector<size_t> picks;
  for (size_t i = 0; i < count; ++i) {
    picks.push_back(node.Pick(PickRequest()).entry());
  }
  return picks;
}

inline std::vector<size_t> CountPicks(const BalancerNode& node, size_t count,
                                      size_t entries) {
  std::vector<size_t> counts(entries);
  for (const size_t pick : PickMany(node, count)) ++counts.at(pick);
  return counts;
}

using Counts = std::vector<size_t>;

// --- Trees of every shape ---------------------------------------------------

struct Shape {
  const char* name;
  // Makes the tree, with strategies `a` and `b` on alternate levels.
  BalancerConfig (*make)(StrategyKind a, StrategyKind b);
  // The zones of kShapeZones whose backends the tree holds.
  std::set<std::string> zones;
};

inline BalancerConfig Labelled(const char* place, BalancerConfig config) {
  config.name = absl::StrCat("place", place);
  config.select.labels["place"] = place;
  return config;
}

inline BalancerConfig Everything(const char* name, BalancerConfig config) {
  config.name = name;
  return config;
}

inline const Shape kShapes[] = {
    {"Flat",
     [](StrategyKind a, StrategyKind) { return Leaf(a); },
     {"eu", "us", "asia"}},
    {"ZonesOneOfWhichNobodyHolds",
     [](StrategyKind a, StrategyKind b) { return TwoZones(a, b); },
     {"eu", "us"}},
    {"MembersThatOverlap",
     [](StrategyKind a, StrategyKind b) {
       return Inner(a, {Zone("eu", Leaf(b)), Everything("all", Leaf(b))});
     },
     {"eu", "us", "asia"}},
    {"AMemberThatIsAlwaysEmpty",
     [](StrategyKind a, StrategyKind b) {
       return Inner(a, {Zone("mars", Leaf(b)), Zone("us", Leaf(b)),
                        Zone("eu", Leaf(b))});
     },
     {"eu", "us"}},
    {"ThreeLevels",
     [](StrategyKind a, StrategyKind b) {
       return Inner(
           a,
           {Zone("eu", Inner(b, {Labelled("0", Leaf(a)), Labelled("3", Leaf(a)),
                                 Everything("rest", Leaf(a))})),
            Everything("all", Inner(b, {Zone("us", Leaf(a)),
                                        Zone("asia", Leaf(a))}))});
     },
     {"eu", "us", "asia"}},
};

constexpr const char* kShapeZones[] = {"eu", "eu", "us", "eu", "asia"};

}  // namespace testing
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_BALANCER_TREES_H_

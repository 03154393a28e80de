#include "multi_backend/lb_policy/plan/failure_watch.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1000000);

struct Spec {
  const char* role = "";
  uint32_t weight = 1;
};

PassiveHealthConfig Rule(double threshold, int max_ejected_percent) {
  PassiveHealthConfig config;
  config.failure_rate.emplace();
  config.failure_rate->threshold = threshold;
  config.failure_rate->window = absl::Seconds(10);
  config.failure_rate->min_calls = 20;
  config.max_ejected_percent = max_ejected_percent;
  return config;
}

// Backends 0, 1, …, whose counters the test sets, and a FailureWatch on them.
class Watched {
 public:
  explicit Watched(const std::vector<Spec>& specs, PassiveHealthConfig rule)
      : pool_(BackendPool::Create()), rule_(std::move(rule)) {
    HealthConfig health;
    health.passive = rule_;
    for (const Spec& spec : specs) {
      const std::string address =
          absl::StrCat("10.0.0.", entries_.size(), ":1");
      Endpoint endpoint = *Endpoint::Parse(address);
      endpoint.role = spec.role;
      endpoint.weight = spec.weight;
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, std::move(endpoint)));
      entries_.back().lease->Configure(
          std::make_shared<const HealthConfig>(health),
          /*max_requests=*/0, []() { return nullptr; });
    }
    plan_ = PickPlan::Make(testing::PlanArgs(config_, entries_, clock_));
    Evaluate();  // Sets the baseline of the counters.
  }

  // In the next second each backend i has `each` calls, of which `failed[i]`
  // fail.
  void Calls(const std::vector<int>& failed, int each = 100) {
    for (size_t i = 0; i < failed.size(); ++i) {
      entries_[i].backend().calls += each;
      entries_[i].backend().failures += failed[i];
    }
  }
  void Evaluate() {
    watch_.Evaluate(*plan_, rule_, now_);
    now_ += absl::Seconds(1);
  }
  // Returns the backends that have been ejected: "0 2".
  std::string Ejected() const {
    std::string ejected;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (!entries_[i].backend().health.IsEjected()) continue;
      absl::StrAppend(&ejected, ejected.empty() ? "" : " ", i);
    }
    return ejected;
  }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  BackendPool& pool() { return *pool_; }

 private:
  testing::ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_;
  const PassiveHealthConfig rule_;
  PolicyConfig config_;
  std::vector<PlanEntry> entries_;
  std::unique_ptr<PickPlan> plan_;
  FailureWatch watch_;
  absl::Time now_ = kStart;
};

struct LookCase {
  const char* name;
  std::vector<Spec> specs;
  std::vector<int> failed;  // Of 100 calls.
  int max_ejected_percent;
  const char* ejected;
};

// The threshold is 50 %.
const LookCase kLookCases[] = {
    {"NoneWhenAllAreBelowTheThreshold", {{}, {}, {}}, {49, 0, 20}, 100, ""},
    {"OneAtTheThreshold", {{}, {}, {}}, {50, 0, 0}, 100, "0"},
    {"TheWorstFirst", {{}, {}, {}, {}}, {60, 0, 90, 70}, 25, "2"},
    {"TheWorstTwo", {{}, {}, {}, {}}, {60, 0, 90, 70}, 50, "2 3"},
    {"AllThatMayBe", {{}, {}, {}, {}}, {60, 0, 90, 70}, 100, "0 2 3"},
    {"ThePercentIsRoundedDown", {{}, {}, {}}, {90, 90, 0}, 50, "0"},
    {"OneOfTwo", {{}, {}}, {90, 95}, 50, "1"},
    {"NotTheOnlyOne", {{}}, {100}, 50, ""},
    {"NoneAtZeroPercent", {{}, {}}, {100, 0}, 0, ""},
    {"OneThatDrainsIsNoMember", {{"", 1}, {"", 0}}, {90, 0}, 50, ""},
    {"OneThatOnlyItsRoleMaySpareStays",
     {{"primary"}, {"replica"}, {"replica"}, {"replica"}},
     {100, 0, 0, 0},
     50,
     ""},
    {"OneThatRootAndRoleMaySpareGoes",
     {{"primary"}, {"replica"}, {"replica"}, {"replica"}},
     {0, 100, 0, 0},
     50,
     "1"},
    {"OneThatTheRootPrefersToKeepStays",
     {{"a"}, {"a"}, {"b"}, {"b"}},
     {60, 0, 90, 0},
     25,
     ""},
};

TEST(FailureWatchTest, EjectsWhomEachBalancerMaySpare) {
  for (const LookCase& c : kLookCases) {
    SCOPED_TRACE(c.name);
    Watched watched(c.specs, Rule(0.5, c.max_ejected_percent));
    watched.Calls(c.failed);
    watched.Evaluate();
    EXPECT_EQ(watched.Ejected(), c.ejected);
  }
}

TEST(FailureWatchTest, WhoIsEjectedCountsAgainstTheShare) {
  Watched watched({{}, {}, {}, {}}, Rule(0.5, 50));
  watched.Calls({90, 0, 0, 0});
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0");
  watched.Calls({0, 180, 190, 0}, /*each=*/200);
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0 2");
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0 2") << "1 has to stay";
}

TEST(FailureWatchTest, OneThatIsMarkedIsNotJudged) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.pool().MarkUnhealthy("10.0.0.0:1");
  watched.Calls({90, 60});
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "1");
}

TEST(FailureWatchTest, FewCallsSayNothing) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.Calls({19, 0}, /*each=*/19);
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "");
  watched.Calls({1, 0}, /*each=*/1);
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0") << "20 in one window";
}

TEST(FailureWatchTest, CallsThatRunHaveNotFailed) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.Calls({15, 0}, /*each=*/40);
  watched.backend(0).load.in_flight += 25;  // 15 of 15 that ended.
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "") << "too few have ended";
  watched.backend(0).load.in_flight -= 25;
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "") << "15 of 40";
}

TEST(FailureWatchTest, WhatFailedBeforeTheWindowIsForgotten) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.Calls({40, 0}, /*each=*/100);
  for (int second = 0; second < 12; ++second) watched.Evaluate();
  watched.Calls({60, 0});
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0");
}

TEST(FailureWatchTest, ABackendThatIsBackStartsAnew) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.Calls({90, 0});
  watched.Evaluate();
  ASSERT_EQ(watched.Ejected(), "0");
  watched.pool().MarkHealthy("10.0.0.0:1");
  watched.Calls({0, 0});
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "") << "for what it did before it was ejected";
  for (int second = 0; second < 8; ++second) {
    watched.Calls({0, 0}, /*each=*/5);
    watched.Evaluate();
    EXPECT_EQ(watched.Ejected(), "") << "second " << second;
  }
  watched.Calls({90, 0});
  watched.Evaluate();
  EXPECT_EQ(watched.Ejected(), "0") << "for what it does now";
}

TEST(FailureWatchTest, TheReasonTellsTheShareAndTheWindow) {
  Watched watched({{}, {}}, Rule(0.5, 50));
  watched.Calls({75, 0});
  watched.Evaluate();
  EXPECT_EQ(watched.backend(0).health.view().reason,
            "too many calls failed: 75 % of the calls in 10s failed");
}

TEST(FailureWatchTest, WithoutTheRuleThereIsNothingToLookFor) {
  HealthConfig health;
  EXPECT_EQ(FailureWatch::Interval(health), absl::InfiniteDuration());
  health.passive.emplace();
  EXPECT_EQ(FailureWatch::Interval(health), absl::InfiniteDuration());
  health.passive = Rule(0.5, 50);
  EXPECT_EQ(FailureWatch::Interval(health), absl::Seconds(1));
}

}  // namespace
}  // namespace multi_backend

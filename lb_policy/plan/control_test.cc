// What drains and weights of operators do to plans.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/plan/explain.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;

// Three READY backends of weight 1000, "10.0.0.0:1", ….
class PlanControlTest : public ::testing::Test {
 protected:
  PlanControlTest() {
    for (size_t i = 0; i < 3; ++i) {
      entries_.push_back(testing::ReadyEntry(*pool_, AddressOf(i),
                                             *Endpoint::Parse(AddressOf(i))));
    }
  }

  static std::string AddressOf(size_t i) {
    return absl::StrCat("10.0.0.", i, ":1");
  }
  void MakePlan() {
    PickPlan::Args args = testing::PlanArgs(config_, entries_, clock_);
    args.previous = plan_.get();
    plan_ = PickPlan::Make(std::move(args));
  }
  // How many of `calls` calls each backend gets.
  std::map<uint32_t, int> Shares(int calls) {
    std::map<uint32_t, int> shares;
    for (int i = 0; i < calls; ++i) {
      const PickPlan::Result result = plan_->Pick(CallLabel(), PickRequest());
      EXPECT_EQ(result.outcome, Outcome::kPicked);
      ++shares[result.entry];
    }
    return shares;
  }

  testing::ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_ = BackendPool::Create();
  PolicyConfig config_;
  std::vector<PlanEntry> entries_;
  std::unique_ptr<PickPlan> plan_;
};

TEST_F(PlanControlTest, ADrainActsOnTheVeryNextPickOfEveryStrategy) {
  for (const StrategyKind kind : testing::kAllKinds) {
    config_.root.strategy = kind;
    MakePlan();
    ASSERT_TRUE(pool_->Drain(AddressOf(0)).ok());
    EXPECT_EQ(Shares(60).count(0), 0u) << StrategyName(kind);
    MakePlan();
    EXPECT_EQ(Shares(60).count(0), 0u) << StrategyName(kind);
    ASSERT_TRUE(pool_->Undrain(AddressOf(0)).ok());
  }
}

TEST_F(PlanControlTest, ADrainingBackendIsNeitherMissedNorUsedInPanic) {
  config_.health.panic_percent = 60;
  ASSERT_TRUE(pool_->Drain(AddressOf(0)).ok());
  MakePlan();
  EXPECT_TRUE(plan_->Panicking().empty());  // Two of two are usable.
  EXPECT_FALSE(plan_->root().AnyMissing());
  pool_->MarkUnhealthy(AddressOf(1));
  MakePlan();
  EXPECT_EQ(plan_->Panicking(), std::vector<std::string>{"root"});
  EXPECT_EQ(Shares(60), (std::map<uint32_t, int>{{2, 60}}));
}

TEST_F(PlanControlTest, WhenAllDrainTheErrorSaysSo) {
  DrainOptions options;
  options.reason = "move";
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool_->Drain(AddressOf(i), options).ok());
  }
  MakePlan();
  EXPECT_EQ(plan_->Pick(CallLabel(), PickRequest()).outcome,
            Outcome::kNoBackend);
  EXPECT_EQ(plan_->DescribeFailure(CallLabel()),
            "multi_backend: no usable backend, the call was not sent: "
            "10.0.0.0:1 (drained: move); 10.0.0.1:1 (drained: move); "
            "10.0.0.2:1 (drained: move)");
}

TEST_F(PlanControlTest, TheTrailSaysThatABackendDrains) {
  ASSERT_TRUE(pool_->Drain(AddressOf(1)).ok());
  pool_->MarkUnhealthy(AddressOf(1));
  MakePlan();
  const auto passed_over = ExplainPassedOver(*plan_, CallLabel(), PickRequest(),
                                             /*chosen=*/0, {});
  ASSERT_EQ(passed_over.size(), 1u);
  EXPECT_EQ(passed_over[0].backend, AddressOf(1));
  EXPECT_EQ(passed_over[0].why, PassedOver::Why::kDraining);
}

TEST_F(PlanControlTest, AWeightTakesThePlaceOfTheListedOne) {
  config_.root.strategy = StrategyKind::kWeighted;
  ASSERT_TRUE(pool_->SetWeight(AddressOf(0), 2000).ok());
  MakePlan();
  EXPECT_EQ(Shares(400),
            (std::map<uint32_t, int>{{0, 200}, {1, 100}, {2, 100}}));
  ASSERT_TRUE(pool_->ResetWeight(AddressOf(0)).ok());
  MakePlan();
  EXPECT_EQ(Shares(300),
            (std::map<uint32_t, int>{{0, 100}, {1, 100}, {2, 100}}));
}

TEST_F(PlanControlTest, AWeightBringsBackABackendThatIsListedWithNone) {
  entries_[0].endpoint =
      std::make_shared<const Endpoint>(entries_[0].endpoint->WithWeight(0));
  MakePlan();
  EXPECT_EQ(Shares(30).count(0), 0u);
  ASSERT_TRUE(pool_->SetWeight(AddressOf(0), 1000).ok());
  MakePlan();
  EXPECT_EQ(Shares(30).count(0), 1u);
}

}  // namespace
}  // namespace multi_backend

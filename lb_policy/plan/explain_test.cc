// How a pick is explained.
#include "multi_backend/lb_policy/plan/explain.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::ToRole;
using Why = PassedOver::Why;

struct Spec {
  const char* role = "";
  uint32_t weight = 1;
  LinkState link = LinkState::kReady;
};

class ExplainTest : public ::testing::Test {
 protected:
  void Add(const Spec& spec) {
    const size_t index = entries_.size();
    Endpoint endpoint = Endpoint::Of(absl::StrCat("b", index), 1);
    endpoint.role = spec.role;
    endpoint.weight = spec.weight;
    entries_.push_back(testing::ReadyEntry(
        *pool_, absl::StrCat("10.0.0.", index, ":1"), std::move(endpoint)));
    entries_.back().link = spec.link;
  }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  void Flag(size_t i, uint32_t reason) {
    backend(i).load.unusable_reasons.fetch_or(reason);
  }
  void MakePlan() {
    plan_ = PickPlan::Make(testing::PlanArgs(config_, entries_, clock_));
  }

  ChosenBy Choice(const CallLabel& label, const PickRequest& request = {}) {
    const PickPlan::Result result = plan_->Pick(label, request);
    EXPECT_EQ(result.outcome, PickPlan::Outcome::kPicked);
    return ExplainChoice(*plan_, label, request, result);
  }
  std::vector<std::string> PassedOverBy(
      size_t chosen, const CallLabel& label, const PickRequest& request = {},
      absl::Span<const uint32_t> in_slow_start = {}) {
    std::vector<std::string> texts;
    for (const PassedOver& passed :
         ExplainPassedOver(*plan_, label, request, chosen, in_slow_start)) {
      texts.push_back(
          absl::StrCat(passed.backend, " ", static_cast<int>(passed.why)));
    }
    return texts;
  }
  static std::string Is(absl::string_view backend, Why why) {
    return absl::StrCat(backend, ":1 ", static_cast<int>(why));
  }

  testing::ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_ = BackendPool::Create();
  PolicyConfig config_;
  std::vector<PlanEntry> entries_;
  std::unique_ptr<PickPlan> plan_;
};

TEST_F(ExplainTest, NamesTheReasonOfEachBackendThatCouldNotServe) {
  Add({});
  for (int i = 0; i < 5; ++i) Add({});
  Add({"", 0});
  Add({"", 1, LinkState::kFailed});
  Flag(1, kMarkedUnhealthy);
  Flag(2, kUnhealthy);
  Flag(3, kOverloaded);
  Flag(4, kAtLimit);
  MakePlan();
  EXPECT_THAT(
      PassedOverBy(0, CallLabel()),
      ElementsAre(Is("b1", Why::kDown), Is("b2", Why::kDown),
                  Is("b3", Why::kOverloaded), Is("b4", Why::kFull),
                  Is("b6", Why::kDraining), Is("b7", Why::kNoConnection)));
}

TEST_F(ExplainTest, ABackendThatTheStrategyDidNotChooseWasNotPassedOver) {
  for (int i = 0; i < 3; ++i) Add({});
  MakePlan();
  EXPECT_THAT(PassedOverBy(0, CallLabel()), IsEmpty());
}

TEST_F(ExplainTest, NamesThoseThatTheCallHasTriedAndThoseInSlowStart) {
  for (int i = 0; i < 3; ++i) Add({});
  MakePlan();
  PickRequest request;
  request.tried.Add(backend(1).id());
  const uint32_t in_slow_start[] = {backend(2).id()};
  EXPECT_THAT(PassedOverBy(0, CallLabel(), request, in_slow_start),
              ElementsAre(Is("b1", Why::kTried), Is("b2", Why::kSlowStart)));
}

TEST_F(ExplainTest, OtherRolesComeLastAndOnlyAsFarAsTheListIsBounded) {
  for (size_t i = 0; i < kMaxPassedOver; ++i) Add({"replica"});
  Add({"primary"});
  Add({"primary"});
  Flag(kMaxPassedOver + 1, kUnhealthy);
  MakePlan();
  const auto passed = PassedOverBy(kMaxPassedOver, ToRole("primary"));
  EXPECT_EQ(passed.size(), kMaxPassedOver);
  EXPECT_EQ(passed[0], Is(absl::StrCat("b", kMaxPassedOver + 1), Why::kDown));
  EXPECT_EQ(passed[1], Is("b0", Why::kOtherRole));
  // The fallback to any backend makes the replicas eligible.
  EXPECT_THAT(
      PassedOverBy(kMaxPassedOver, ToRole("primary", WhenUnavailable::kAny)),
      ElementsAre(Is(absl::StrCat("b", kMaxPassedOver + 1), Why::kDown)));
}

TEST_F(ExplainTest, TheFallbackTheKeyAndPanicAreToldApart) {
  Add({"primary", 1, LinkState::kFailed});
  Add({"replica"});
  Add({"replica"});
  config_.root.strategy = StrategyKind::kSticky;
  MakePlan();
  EXPECT_EQ(Choice(CallLabel()), ChosenBy::kStrategy);
  EXPECT_EQ(Choice(CallLabel(), testing::RequestWithKey(1)),
            ChosenBy::kStickyKey);
  EXPECT_EQ(Choice(ToRole("primary", WhenUnavailable::kAny)),
            ChosenBy::kFallback);
  config_.health.panic_percent = 100;
  Flag(1, kUnhealthy);
  MakePlan();
  EXPECT_EQ(Choice(CallLabel()), ChosenBy::kPanic);
}

}  // namespace
}  // namespace multi_backend

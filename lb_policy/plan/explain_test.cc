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
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Why = PassedOver::Why;

struct Spec {
  const char* role = "";
  uint32_t weight = 1;
  LinkState link = LinkState::kReady;
};

class ExplainTest : public ::testing::Test {
 protected:
  void Add(const Spec& spec) {
    const std::string address = absl::StrCat("10.0.0.", entries_.size(), ":1");
    Endpoint endpoint = *Endpoint::Parse(address);
    endpoint.role = spec.role;
    endpoint.weight = spec.weight;
    PlanEntry entry;
    entry.lease =
        pool_->Acquire(address, absl::StrCat("b", entries_.size(), ":1"));
    entry.endpoint = std::make_shared<const Endpoint>(std::move(endpoint));
    entry.link = spec.link;
    entries_.push_back(std::move(entry));
  }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  void Flag(size_t i, uint32_t reason) {
    backend(i).load.unusable_reasons.fetch_or(reason);
  }
  void MakePlan() {
    PickPlan::Args args;
    args.config = std::make_shared<const PolicyConfig>(config_);
    args.entries = entries_;
    args.clock = &clock_;
    args.seed = 1;
    plan_ = PickPlan::Make(std::move(args));
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
  static CallLabel To(absl::string_view role,
                      WhenUnavailable when = WhenUnavailable::kFail) {
    CallLabel label;
    label.role = role;
    label.when_unavailable = when;
    return label;
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
  const auto passed = PassedOverBy(kMaxPassedOver, To("primary"));
  EXPECT_EQ(passed.size(), kMaxPassedOver);
  EXPECT_EQ(passed[0], Is(absl::StrCat("b", kMaxPassedOver + 1), Why::kDown));
  EXPECT_EQ(passed[1], Is("b0", Why::kOtherRole));
  // The fallback to any backend makes the replicas eligible.
  EXPECT_THAT(
      PassedOverBy(kMaxPassedOver, To("primary", WhenUnavailable::kAny)),
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
  EXPECT_EQ(Choice(To("primary", WhenUnavailable::kAny)), ChosenBy::kFallback);
  config_.health.panic_percent = 100;
  Flag(1, kUnhealthy);
  MakePlan();
  EXPECT_EQ(Choice(CallLabel()), ChosenBy::kPanic);
}

}  // namespace
}  // namespace multi_backend

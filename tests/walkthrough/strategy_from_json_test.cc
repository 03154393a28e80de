// Every strategy of the table, from its name in a configuration to its picks.

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/call/call_label.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/proto/config/parser/parser.h"
#include "multi_backend/proto/config/strategy_kind.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using testing::kAllKinds;

class StrategyFromJsonTest : public ::testing::TestWithParam<StrategyKind> {};

INSTANTIATE_TEST_SUITE_P(
    AllStrategies, StrategyFromJsonTest, ::testing::ValuesIn(kAllKinds),
    [](const ::testing::TestParamInfo<StrategyKind>& info) {
      return std::string(StrategyName(info.param));
    });

TEST_P(StrategyFromJsonTest, ACallThatFailsEverywhereReachesEachBackendOnce) {
  const auto config = ParsePolicyConfig(
      absl::StrCat(R"({"strategy":")", StrategyName(GetParam()), "\"}"),
      {true});
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->root.strategy, GetParam());

  const auto pool = BackendPool::Create();
  const testing::ManualClock clock;
  PickPlan::Args args;
  args.config = std::make_shared<const PolicyConfig>(*config);
  for (const char* host : {"a", "b", "c"}) {
    PlanEntry entry;
    entry.endpoint =
        std::make_shared<const Endpoint>(Endpoint::Of(host, 50051));
    entry.lease =
        pool->Acquire(entry.endpoint->address(), entry.endpoint->address());
    entry.link = LinkState::kReady;
    args.entries.push_back(std::move(entry));
  }
  args.clock = &clock;
  const auto plan = PickPlan::Make(std::move(args));

  PickRequest request;
  std::set<uint32_t> reached;
  for (size_t attempt = 0; attempt < plan->entries().size(); ++attempt) {
    const PickPlan::Result result = plan->Pick(CallLabel(), request);
    ASSERT_EQ(result.outcome, PickPlan::Outcome::kPicked);
    EXPECT_TRUE(reached.insert(result.entry).second) << result.entry;
    request.tried.Add(plan->entries()[result.entry].backend().id());
  }
  EXPECT_EQ(plan->Pick(CallLabel(), request).outcome,
            PickPlan::Outcome::kExhausted);
}

}  // namespace
}  // namespace multi_backend

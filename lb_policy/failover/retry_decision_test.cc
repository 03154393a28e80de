#include "multi_backend/lb_policy/failover/retry_decision.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

constexpr int64_t kStartMillis = 10'000;

// A channel with two backends, and a call whose first attempt, on backend 0,
// has ended in a way that allows a retry.
class Scene {
 public:
  Scene() : pool_(BackendPool::Create()) {
    config.failover.max_retries = 2;
    for (size_t i = 0; i < 2; ++i) {
      const std::string address = absl::StrCat("10.0.0.", i, ":1");
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, *Endpoint::Parse(address)));
    }
    Try(0);
    Fail(/*retriable=*/true);
  }

  void Try(size_t i) { log.OnStarted(entries_[i].backend().id()); }
  void Fail(bool retriable) {
    log.OnFailed(log.attempts(), &unavailable_, retriable);
  }
  // The newest attempt runs into perTryTimeout this long after its start.
  void TimeOut(absl::Duration after_start) {
    config.failover.per_try_timeout = absl::Seconds(1);
    log.OnDecided();
    log.OnRetryGranted();
    Try(1);
    log.SetStart(kStartMillis);
    inputs.now_millis = kStartMillis + absl::ToInt64Milliseconds(after_start);
  }
  void AddBacklog() { config.root.backlog.emplace(); }
  void LoseAll() {
    for (PlanEntry& entry : entries_) entry.link = LinkState::kFailed;
  }
  // LoseAll(), for longer than the backlog waits.
  void LoseAllForLong() {
    LoseAll();
    down_for_long_ = true;
  }
  void EmptyBudget() {
    config.failover.budget_ratio = 0;
    config.failover.min_retries_per_second = 0;
  }
  void DropPlan() { has_plan_ = false; }

  RetryDecision Decide() {
    PickPlan::Args args = testing::PlanArgs(config, entries_, clock_);
    args.backlogs = std::make_shared<BacklogSet>();
    const auto plan = PickPlan::Make(std::move(args));
    plan->UpdateBacklogs(0);
    if (down_for_long_) plan->OnTime(plan->NextBacklogDeadline());
    const Failover failover(config.failover, classifier);
    if (budget_ == nullptr) {
      budget_ = std::make_unique<RetryBudget>(
          config.failover.budget_ratio, config.failover.min_retries_per_second);
    }
    inputs.failover = &failover;
    inputs.budget = budget_.get();
    inputs.plan = has_plan_ ? plan.get() : nullptr;
    inputs.log = &log;
    inputs.ticket = &ticket;
    return DecideRetry(inputs);
  }

  PolicyConfig config;
  RetryInputs inputs;
  AttemptLog log;
  BacklogTicket ticket;
  std::shared_ptr<const AttemptClassifier> classifier;

 private:
  const absl::Status unavailable_ = absl::UnavailableError("reset");
  testing::ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_;
  std::vector<PlanEntry> entries_;
  std::unique_ptr<RetryBudget> budget_;  // From the first Decide() on.
  bool down_for_long_ = false;
  bool has_plan_ = true;
};

struct Row {
  const char* name;
  void (*arrange)(Scene& scene);
  RetryDecision decision;
  // What follows: retries granted by now, and whether the call must wait.
  int granted = 0;
  bool must_wait = false;
};

const Row kRows[] = {
    {"AnotherBackendIsLeft", [](Scene&) {}, RetryDecision::kGranted, 1},
    {"TheRouteForbidsRetries",
     [](Scene& scene) { scene.inputs.label.retry = RetryMode::kNever; },
     RetryDecision::kForbidden},
    {"TheRouteOutranksTheMethodsPolicy",
     [](Scene& scene) {
       scene.inputs.label.retry = RetryMode::kNever;
       scene.inputs.has_method_retry_policy = true;
     },
     RetryDecision::kForbidden},
    {"TheMethodHasAPolicyOfItsOwn",
     [](Scene& scene) {
       scene.inputs.has_method_retry_policy = true;
       scene.Fail(/*retriable=*/false);
       scene.EmptyBudget();
     },
     RetryDecision::kMethodPolicy},
    {"APickFailed", [](Scene& scene) { scene.log.OnPickFailed(); },
     RetryDecision::kPickFailed},
    {"NothingWasSentSinceTheLastQuestion",
     [](Scene& scene) { scene.log.OnDecided(); }, RetryDecision::kNothingSent},
    {"ThereAreNoBackendsAnyMore", [](Scene& scene) { scene.DropPlan(); },
     RetryDecision::kNoPlan},
    {"TheAnswerIsNotRetriable",
     [](Scene& scene) { scene.Fail(/*retriable=*/false); },
     RetryDecision::kNotRetriable},
    {"TheBudgetIsEmpty", [](Scene& scene) { scene.EmptyBudget(); },
     RetryDecision::kBudgetEmpty},

    // perTryTimeout, in the second attempt.
    {"TheTimeoutWasSpentWaiting",
     [](Scene& scene) { scene.TimeOut(absl::Milliseconds(499)); },
     RetryDecision::kTimeoutSpentWaiting, 1},
    {"TheTimeoutWasSpentWaitingWithoutAPlanOrABudget",
     [](Scene& scene) {
       scene.TimeOut(absl::ZeroDuration());
       scene.DropPlan();
       scene.EmptyBudget();
     },
     RetryDecision::kTimeoutSpentWaiting, 1},
    {"AnAttemptThatEndedDidNotSpendItsTimeoutWaiting",
     [](Scene& scene) {
       scene.TimeOut(absl::ZeroDuration());
       scene.Fail(/*retriable=*/false);
     },
     RetryDecision::kNotRetriable, 1},
    {"TheBackendHadHalfOfTheTimeout",
     [](Scene& scene) { scene.TimeOut(absl::Milliseconds(500)); },
     RetryDecision::kNoOtherBackend, 1},
    {"TheClassifierForbidsARetryAfterATimeout",
     [](Scene& scene) {
       scene.classifier = std::make_shared<const AttemptClassifier>(
           [](const AttemptView&) { return false; });
       scene.TimeOut(absl::Seconds(1));
     },
     RetryDecision::kNotRetriable, 1},

    // No retry is left, or no backend.
    {"TheLastRetry", [](Scene& scene) { scene.log.OnRetryGranted(); },
     RetryDecision::kGranted, 2},
    {"AllRetriesAreUsedUp",
     [](Scene& scene) { scene.config.failover.max_retries = 0; },
     RetryDecision::kRetriesUsedUp},
    {"EveryBackendWasTried",
     [](Scene& scene) {
       scene.Try(1);
       scene.Fail(/*retriable=*/true);
     },
     RetryDecision::kNoOtherBackend},
    {"NoBackendIsConnected", [](Scene& scene) { scene.LoseAll(); },
     RetryDecision::kNoOtherBackend},

    // A backlog may help.
    {"WithABacklogAnotherBackendIsStillBetter",
     [](Scene& scene) { scene.AddBacklog(); }, RetryDecision::kGranted, 1},
    {"AllRetriesAreUsedUpButTheCallMayWait",
     [](Scene& scene) {
       scene.config.failover.max_retries = 0;
       scene.AddBacklog();
     },
     RetryDecision::kGrantedToWait, 1, true},
    {"EveryBackendWasTriedButTheCallMayWait",
     [](Scene& scene) {
       scene.Try(1);
       scene.Fail(/*retriable=*/true);
       scene.AddBacklog();
     },
     RetryDecision::kGrantedToWait, 1, true},
    {"ItHasWaitedAlready",
     [](Scene& scene) {
       scene.config.failover.max_retries = 0;
       scene.AddBacklog();
       scene.ticket.must_wait = true;
     },
     RetryDecision::kRetriesUsedUp, 0, true},
    {"ATimeoutDoesNotMeanThatBackendsHaveGone",
     [](Scene& scene) {
       scene.TimeOut(absl::Seconds(1));
       scene.AddBacklog();
     },
     RetryDecision::kNoOtherBackend, 1},
    {"TheBacklogIsDown",
     [](Scene& scene) {
       scene.LoseAllForLong();
       scene.AddBacklog();
     },
     RetryDecision::kNoOtherBackend},
    {"ACallThatMayWaitNeedsTheBudgetToo",
     [](Scene& scene) {
       scene.config.failover.max_retries = 0;
       scene.AddBacklog();
       scene.EmptyBudget();
     },
     RetryDecision::kBudgetEmpty, 0, true},
};

class RetryDecisionRowTest : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(Rows, RetryDecisionRowTest, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(RetryDecisionRowTest, Holds) {
  Scene scene;
  GetParam().arrange(scene);
  const RetryDecision decision = scene.Decide();
  EXPECT_EQ(decision, GetParam().decision);
  EXPECT_EQ(scene.log.retries_granted(), GetParam().granted);
  EXPECT_EQ(scene.ticket.must_wait, GetParam().must_wait);
  EXPECT_TRUE(scene.log.OnDecided() == AttemptLog::Newest::kNone)
      << "each question is noted";
}

TEST(RetryDecisionTest, TheDecisionsForARetryAreThese) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const bool is_retry = row.decision == RetryDecision::kMethodPolicy ||
                          row.decision == RetryDecision::kTimeoutSpentWaiting ||
                          row.decision == RetryDecision::kGranted ||
                          row.decision == RetryDecision::kGrantedToWait;
    EXPECT_EQ(IsRetry(row.decision), is_retry);
  }
}

TEST(RetryDecisionTest, ABackendThatHadNoTimeMayBeTriedAgain) {
  Scene scene;
  scene.TimeOut(absl::ZeroDuration());
  EXPECT_EQ(scene.log.tried().size(), 2u);
  scene.Decide();
  EXPECT_EQ(scene.log.tried().size(), 1u);
  EXPECT_TRUE(scene.log.IsVoid(2));
}

TEST(RetryDecisionTest, TheClassifierSeesWhichAttemptTimedOut) {
  Scene scene;
  std::string seen;
  scene.classifier = std::make_shared<const AttemptClassifier>(
      [&seen](const AttemptView& attempt) {
        seen = absl::StrCat(attempt.method, " ", attempt.backend, " attempt ",
                            attempt.attempt, " ",
                            absl::StatusCodeToString(attempt.code),
                            attempt.timed_out ? " timed out" : "");
        return true;
      });
  scene.inputs.method = "/Users/Get";
  scene.TimeOut(absl::Seconds(1));
  scene.Decide();
  EXPECT_EQ(seen,
            "/Users/Get 10.0.0.1:1 attempt 2 DEADLINE_EXCEEDED timed out");
}

TEST(RetryDecisionTest, ARetryIsChargedToTheSecondInWhichItIsGranted) {
  Scene scene;
  scene.config.failover.budget_ratio = 0;
  scene.config.failover.min_retries_per_second = 0.1;  // One in 10 seconds.
  const struct {
    int64_t millis;
    RetryDecision decision;
  } kQuestions[] = {
      {100'000, RetryDecision::kGranted},
      {109'999, RetryDecision::kBudgetEmpty},
      {110'000, RetryDecision::kGranted},
  };
  for (const auto& question : kQuestions) {
    scene.inputs.now_millis = question.millis;
    EXPECT_EQ(scene.Decide(), question.decision) << question.millis;
    scene.Try(0);
    scene.Fail(/*retriable=*/true);
  }
}

}  // namespace
}  // namespace multi_backend

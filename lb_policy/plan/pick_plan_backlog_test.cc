// Tests PickPlan::PickInTurn(): which calls wait, in which backlog, and in
// which order they go.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;

constexpr LinkState kReady = LinkState::kReady;
constexpr LinkState kConnecting = LinkState::kConnecting;
constexpr LinkState kFailed = LinkState::kFailed;

// --- A channel and its calls ------------------------------------------------

struct Spec {
  const char* role = "";
  const char* zone = "";
};

// A call that may pick several times.
struct Waiter {
  CallLabel label;
  PickRequest request;
  BacklogTicket ticket;
};

Waiter CallTo(absl::string_view role = "",
              WhenUnavailable when = WhenUnavailable::kFail,
              absl::string_view fallback_role = "") {
  Waiter call;
  call.label = testing::ToRole(role, when, fallback_role);
  return call;
}

BacklogConfig DefaultBacklog() { return BacklogConfig(); }

// Backends 0, 1, …, with the plans and backlogs that the policy would make.
class Channel {
 public:
  explicit Channel(const std::vector<Spec>& specs)
      : pool_(BackendPool::Create()),
        backlogs_(std::make_shared<BacklogSet>()) {
    clock_.Set(absl::ToInt64Nanoseconds(absl::Seconds(100)));
    for (const Spec& spec : specs) {
      const std::string address =
          absl::StrCat("10.0.0.", entries_.size(), ":1");
      Endpoint endpoint = *Endpoint::Parse(address);
      endpoint.role = spec.role;
      endpoint.zone = spec.zone;
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, std::move(endpoint)));
    }
  }

  PolicyConfig& config() { return config_; }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  // Brings the backend to its limit of calls, until EndCall().
  void Fill(size_t i) {
    backend(i).SetLimit(1);
    backend(i).BeginCall();
  }
  // A call that has failed on the backend.
  Waiter RetryAfter(size_t i) {
    Waiter call = CallTo();
    call.request.tried.Add(backend(i).id());
    return call;
  }
  void SetFlags(size_t i, uint32_t flag, bool on) {
    std::atomic<uint32_t>& unusable = backend(i).load.unusable_reasons;
    on ? unusable.fetch_or(flag) : unusable.fetch_and(~flag);
  }
  void Advance(absl::Duration by) {
    clock_.Advance(by);
    changes_ = InWords(plan_->OnTime(clock_.NowNanos()));
    BeginPass();
  }

  // Sets each backend's connection, publishes a plan, and begins a pass.
  void Publish(const std::vector<LinkState>& links) {
    for (size_t i = 0; i < links.size(); ++i) {
      entries_[i].link = links[i];
      entries_[i].error = links[i] == kFailed ? "connection refused" : "";
    }
    PickPlan::Args args = testing::PlanArgs(config_, entries_, clock_);
    args.previous = plan_.get();
    args.backlogs = backlogs_;
    plan_ = PickPlan::Make(std::move(args));
    changes_ = InWords(plan_->UpdateBacklogs(clock_.NowNanos()));
    BeginPass();
  }
  void BeginPass() { plan_->BeginPass(); }

  // What the last Publish() or Advance() changed: "root: ALIVE -> OVERLOADED".
  const std::string& changes() const { return changes_; }
  // The time until NextBacklogDeadline().
  absl::Duration quiet_for() const {
    const int64_t deadline = plan_->NextBacklogDeadline();
    return deadline == INT64_MAX
               ? absl::InfiniteDuration()
               : absl::Nanoseconds(deadline - clock_.NowNanos());
  }

  PickPlan& plan() { return *plan_; }
  PickPlan::TurnResult PickFor(Waiter& call) {
    return plan_->PickInTurn(call.label, call.request, call.ticket);
  }
  // Makes one pick and returns its outcome: "0" for the backend, "waits", "last
  // error", or the status of a refusal.
  std::string Pick(Waiter& call) {
    const PickPlan::TurnResult result = PickFor(call);
    switch (result.pick.outcome) {
      case Outcome::kPicked:
        return absl::StrCat(result.pick.entry);
      case Outcome::kInBacklog:
        return "waits";
      case Outcome::kRefused:
        return absl::StatusCodeToString(result.refusal.code());
      case Outcome::kExhausted:
        return "last error";
      case Outcome::kWaitForUntried:
        return "waits beside the backlog";
      case Outcome::kWait:
        return "waits for a connection";
      case Outcome::kNoBackend:
        return "no backend";
    }
    return "";
  }
  // The same, and sends the call if a backend is picked.
  std::string Send(Waiter& call) {
    const std::string outcome = Pick(call);
    if (outcome.size() == 1) call.ticket.Leave(/*sent=*/true);
    return outcome;
  }
  size_t waiting() const {
    size_t count = 0;
    for (const BalancerNode* node : plan_->NodesWithBacklog()) {
      count += node->backlog()->waiting();
    }
    return count;
  }

 private:
  static std::string InWords(
      const std::vector<PickPlan::BacklogChange>& changes) {
    return absl::StrJoin(
        changes, "; ", [](std::string* out, const auto& changed) {
          absl::StrAppend(out, changed.node->path(), ": ",
                          Backlog::StateName(changed.change.from), " -> ",
                          Backlog::StateName(changed.change.to));
        });
  }

  testing::ManualClock clock_;
  const std::shared_ptr<BackendPool> pool_;
  const std::shared_ptr<BacklogSet> backlogs_;
  PolicyConfig config_;
  std::vector<PlanEntry> entries_;
  std::unique_ptr<PickPlan> plan_;
  std::string changes_;
};

// Two backends, and a backlog at the root.
struct TwoWithBacklog : Channel {
  TwoWithBacklog() : Channel(std::vector<Spec>(2)) {
    config().root.backlog = DefaultBacklog();
  }
};

// --- Who waits --------------------------------------------------------------

TEST(PickPlanBacklogTest, ACallJoinsWhenNoBackendIsUsable) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  EXPECT_TRUE(channel.plan().has_backlogs());
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  EXPECT_EQ(channel.Pick(call), "waits");
  EXPECT_EQ(channel.waiting(), 1u) << "one place, however often it is asked";
}

TEST(PickPlanBacklogTest, ACallThatFindsABackendDoesNotJoin) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kReady});
  Waiter call = CallTo();
  EXPECT_EQ(channel.Send(call), "1");
  EXPECT_EQ(channel.waiting(), 0u);
}

TEST(PickPlanBacklogTest, ItWaitsForAConnectionInTheBacklogToo) {
  TwoWithBacklog channel;
  channel.Publish({kConnecting, kConnecting});
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  EXPECT_EQ(channel.waiting(), 1u);
  channel.Publish({kReady, kConnecting});
  EXPECT_EQ(channel.Send(call), "0");
}

TEST(PickPlanBacklogTest, WithoutABacklogNoCallWaits) {
  Channel channel(std::vector<Spec>(2));
  channel.Publish({kFailed, kFailed});
  EXPECT_FALSE(channel.plan().has_backlogs());
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "no backend");
}

struct ReasonCase {
  const char* name;
  uint32_t flags[2];
  int panic_percent;
  const char* outcome;
};

// Both backends are connected.  Each row gives reasons not to pick them.
const ReasonCase kReasonCases[] = {
    {"OneThatIsWellIsPicked", {0, 0}, 0, "0"},
    {"AnOverloadedOneIsPassedBy", {kOverloaded, 0}, 0, "1"},
    {"AnOverloadedOneIsBetterThanToWait", {kOverloaded, kUnhealthy}, 0, "0"},
    {"AnOverloadedOneIsBetterThanAFullOne", {kOverloaded, kAtLimit}, 0, "0"},
    {"AFullOneIsPassedBy", {kAtLimit, 0}, 0, "1"},
    {"AllFullIsToWait", {kAtLimit, kAtLimit}, 0, "waits"},
    {"OverloadedAndFullIsFull", {kOverloaded | kAtLimit, kAtLimit}, 0, "waits"},
    {"AllIllIsToWait", {kUnhealthy, kUnhealthy}, 0, "waits"},
    {"AllMarkedIsToWait", {kMarkedUnhealthy, kMarkedUnhealthy}, 0, "waits"},
    {"InPanicAnIllOneIsBetterThanToWait", {kUnhealthy, kUnhealthy}, 50, "0"},
    {"PanicDoesNotOutrankMarks",
     {kMarkedUnhealthy, kMarkedUnhealthy},
     50,
     "waits"},
    {"PanicDoesNotOutrankLimits",
     {kUnhealthy | kAtLimit, kUnhealthy | kAtLimit},
     50,
     "waits"},
};

TEST(PickPlanBacklogTest, WhetherACallWaitsFollowsFromTheBackends) {
  for (const ReasonCase& c : kReasonCases) {
    SCOPED_TRACE(c.name);
    TwoWithBacklog channel;
    channel.config().root.strategy = StrategyKind::kPrimary;
    channel.config().health.panic_percent = c.panic_percent;
    for (size_t i = 0; i < 2; ++i) {
      if (c.flags[i] != 0) channel.SetFlags(i, c.flags[i], true);
    }
    channel.Publish({kReady, kReady});
    Waiter call = CallTo();
    EXPECT_EQ(channel.Pick(call), c.outcome);
  }
}

TEST(PickPlanBacklogTest, ALimitThatIsReachedIsNoOutage) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kFailed});
  channel.backend(0).SetLimit(1);
  channel.backend(0).BeginCall();
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.Publish({kReady, kFailed});
  channel.Advance(absl::Seconds(4));  // Longer than overloadTimeout.
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.backend(0).EndCall();
  channel.BeginPass();
  EXPECT_EQ(channel.Send(call), "0");
}

// --- Order ------------------------------------------------------------------

TEST(PickPlanBacklogTest, NewcomersDoNotOvertake) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo();
  Waiter second = CallTo();
  EXPECT_EQ(channel.Pick(first), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");
  channel.Publish({kFailed, kReady});
  Waiter newcomer = CallTo();
  EXPECT_EQ(channel.Pick(newcomer), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");
  EXPECT_EQ(channel.Send(first), "1");
  channel.BeginPass();
  EXPECT_EQ(channel.Pick(newcomer), "waits");
  EXPECT_EQ(channel.Send(second), "1");
  channel.BeginPass();
  EXPECT_EQ(channel.Send(newcomer), "1");
  Waiter late = CallTo();
  EXPECT_EQ(channel.Send(late), "1") << "nobody waits any more";
}

TEST(PickPlanBacklogTest, TheyAreReleasedInTheOrderInWhichTheyCame) {
  constexpr int kCalls = 50;
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  std::vector<Waiter> calls(kCalls, CallTo());
  for (Waiter& call : calls) ASSERT_EQ(channel.Pick(call), "waits");
  channel.Publish({kReady, kFailed});
  for (int gone = 0; gone < kCalls; ++gone) {
    channel.Advance(absl::Nanoseconds(ReturnPace::kTick));
    // Core lets the newest call pick first.
    for (int i = kCalls - 1; i >= gone; --i) {
      ASSERT_EQ(channel.Send(calls[i]), i == gone ? "0" : "waits")
          << i << " when " << gone << " have gone";
    }
  }
  EXPECT_EQ(channel.waiting(), 0u);
}

// The call's attempts have tried all usable backends.
TEST(PickPlanBacklogTest, OneThatMustWaitGoesAfterWaitingOrNotAtAll) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kReady});
  Waiter call = channel.RetryAfter(0);
  call.ticket.must_wait = true;
  EXPECT_EQ(channel.Pick(call), "last error") << "though one is untried";
  EXPECT_EQ(channel.waiting(), 0u) << "it is in nobody's way";
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Send(call), "0");
}

TEST(PickPlanBacklogTest, OneThatMustWaitDoesNotWaitForWhoIsOnlyFull) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kFailed});
  channel.Fill(0);
  Waiter other = CallTo();
  EXPECT_EQ(channel.Pick(other), "waits");
  Waiter call = channel.RetryAfter(0);
  call.ticket.must_wait = true;
  EXPECT_EQ(channel.Pick(call), "last error");
  EXPECT_EQ(channel.waiting(), 1u);
  channel.backend(0).EndCall();
}

TEST(PickPlanBacklogTest, WhoHasTriedAllLooksAgainForAMoment) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kReady});
  Waiter call = CallTo();
  EXPECT_FALSE(call.ticket.AwaitFreshPlan(7)) << "it has no backlog";
  EXPECT_FALSE(call.ticket.must_wait);
  call.request.tried.Add(channel.backend(0).id());
  call.request.tried.Add(channel.backend(1).id());
  EXPECT_EQ(channel.Pick(call), "last error");
  EXPECT_TRUE(call.ticket.AwaitFreshPlan(7));
  EXPECT_TRUE(call.ticket.must_wait);
  EXPECT_TRUE(
      call.ticket.AwaitFreshPlan(7 + BacklogTicket::kAwaitFreshPlanNanos - 1));
  EXPECT_FALSE(
      call.ticket.AwaitFreshPlan(7 + BacklogTicket::kAwaitFreshPlanNanos));
}

TEST(PickPlanBacklogTest, OneWhosePickCameToNothingKeepsItsTurn) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo();
  Waiter second = CallTo();
  EXPECT_EQ(channel.Pick(first), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Pick(first), "0");  // Its connection is then lost.
  EXPECT_EQ(channel.Pick(second), "waits");
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.Pick(second), "waits");
  EXPECT_EQ(channel.Pick(first), "waits");
  channel.Publish({kFailed, kReady});
  EXPECT_EQ(channel.Pick(second), "waits");
  EXPECT_EQ(channel.Send(first), "1");
}

TEST(PickPlanBacklogTest, OneThatIsGivenUpFreesItsPlace) {
  TwoWithBacklog channel;
  channel.config().root.backlog->limit = 2;
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo();
  Waiter second = CallTo();
  Waiter third = CallTo();
  EXPECT_EQ(channel.Pick(first), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");
  EXPECT_EQ(channel.Pick(third), "UNAVAILABLE");
  first.ticket.Leave();
  EXPECT_EQ(channel.Pick(third), "waits");
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Send(second), "0");
}

// --- Refusals ---------------------------------------------------------------

// A new configuration moves a call to another backlog, which refuses it.  The
// turn that it had in the old one belongs to the next call there.
TEST(PickPlanBacklogTest, ARefusalDoesNotLoseTheTurnInTheBacklogBefore) {
  Channel channel({{"primary"}, {"replica"}});
  channel.config().roles["primary"];
  channel.config().roles["replica"].backlog = DefaultBacklog();
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo("primary", WhenUnavailable::kRole, "replica");
  Waiter second = CallTo("replica");
  EXPECT_EQ(channel.Pick(first), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");

  channel.config().roles["primary"].backlog = DefaultBacklog();
  channel.config().roles["primary"].backlog->limit = 1;
  channel.Publish({kFailed, kReady});
  Waiter other = CallTo("primary");
  EXPECT_EQ(channel.Pick(other), "waits");
  channel.SetFlags(1, kUnhealthy, true);
  const PickPlan::TurnResult result = channel.PickFor(first);
  EXPECT_EQ(result.pick.outcome, Outcome::kRefused);
  EXPECT_TRUE(result.repick);
}

TEST(PickPlanBacklogTest, ARefusalSaysWhyAndNamesTheBackends) {
  TwoWithBacklog channel;
  channel.config().root.backlog->limit = 1;
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo();
  Waiter second = CallTo();
  EXPECT_EQ(channel.Pick(first), "waits");
  const absl::Status full = channel.PickFor(second).refusal;
  EXPECT_EQ(full.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(full.message(),
            "multi_backend: no usable backend, the call was never sent: 1 "
            "calls are waiting already (backlog.limit): 10.0.0.0:1 "
            "(connection refused); 10.0.0.1:1 (connection refused)");
  EXPECT_FALSE(second.ticket.waiting);

  channel.Advance(absl::Seconds(1));
  const absl::Status down = channel.PickFor(first).refusal;
  EXPECT_EQ(down.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(down.message(),
            "multi_backend: no usable backend, the call was never sent: all "
            "backends have been down for 1s (backlog.overloadTimeout): "
            "10.0.0.0:1 (connection refused); 10.0.0.1:1 (connection refused)");
  EXPECT_EQ(channel.Pick(second), "UNAVAILABLE") << "newcomers too";
  EXPECT_EQ(channel.waiting(), 0u);
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Send(second), "0") << "until one is usable";
}

TEST(PickPlanBacklogTest, WhoWaitsTooLongIsRefused) {
  TwoWithBacklog channel;
  channel.config().root.backlog->overload_timeout = absl::InfiniteDuration();
  channel.Publish({kFailed, kFailed});
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.Advance(absl::Milliseconds(4999));
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.Advance(absl::Milliseconds(1));
  EXPECT_EQ(channel.Pick(call), "DEADLINE_EXCEEDED");
  EXPECT_EQ(channel.waiting(), 0u);
}

// --- Retries ----------------------------------------------------------------

TEST(PickPlanBacklogTest, ARetryThatFindsNoBackendWaitsAndMayThenGoAnywhere) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  Waiter call = CallTo();
  call.request.tried.Add(channel.backend(0).id());
  call.request.tried.Add(channel.backend(1).id());
  EXPECT_TRUE(channel.plan().CanServe(call.label, call.request));
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Send(call), "0");
}

TEST(PickPlanBacklogTest, ARetryThatHasTriedAllThatAreUsableGetsItsLastError) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kFailed});
  Waiter call = channel.RetryAfter(0);
  EXPECT_FALSE(channel.plan().CanServe(call.label, call.request));
  EXPECT_EQ(channel.Pick(call), "last error");
  EXPECT_EQ(channel.waiting(), 0u);
}

// Those behind it may go to the backend that it has tried.
TEST(PickPlanBacklogTest, ARetryWaitsBesideTheBacklogForOneThatIsFull) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kReady});
  channel.Fill(1);
  Waiter call = channel.RetryAfter(0);
  EXPECT_TRUE(channel.plan().CanServe(call.label, call.request));
  EXPECT_EQ(channel.Pick(call), "waits beside the backlog");
  EXPECT_EQ(channel.waiting(), 0u);
  Waiter other = CallTo();
  EXPECT_EQ(channel.Send(other), "0");
  EXPECT_EQ(channel.Pick(call), "waits beside the backlog");
  channel.backend(1).EndCall();
  EXPECT_EQ(channel.Send(call), "1");
}

TEST(PickPlanBacklogTest, ARetryLeavesTheBacklogWhenOnlyATriedOneHasRoom) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kReady});
  channel.Fill(0);
  channel.Fill(1);
  Waiter call = channel.RetryAfter(0);
  Waiter other = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  EXPECT_EQ(channel.Pick(other), "waits");
  channel.backend(0).EndCall();
  channel.BeginPass();
  EXPECT_EQ(channel.Pick(call), "waits beside the backlog");
  channel.BeginPass();
  EXPECT_EQ(channel.Send(other), "0");
  EXPECT_EQ(channel.waiting(), 0u);
  channel.backend(1).EndCall();
  EXPECT_EQ(channel.Send(call), "1");
}

// As one does whose backend has died with it, while the others are full.
TEST(PickPlanBacklogTest, ARetryThatWaitedThroughAnOutageGoesAnywhereWithRoom) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  Waiter call = channel.RetryAfter(0);
  EXPECT_EQ(channel.Pick(call), "waits");
  Waiter other = channel.RetryAfter(0);
  EXPECT_EQ(channel.Pick(other), "waits");
  channel.Publish({kReady, kConnecting});
  EXPECT_EQ(channel.Send(call), "0");
  channel.Fill(1);
  channel.Publish({kReady, kReady});
  EXPECT_EQ(channel.Send(other), "0");
  channel.backend(1).EndCall();
}

// Those behind it may go to the backend that it has tried.
TEST(PickPlanBacklogTest, ARetryWaitsBesideTheBacklogForAConnection) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kConnecting});
  Waiter call = channel.RetryAfter(0);
  EXPECT_EQ(channel.Pick(call), "waits beside the backlog");
  EXPECT_EQ(channel.waiting(), 0u);
  Waiter other = CallTo();
  EXPECT_EQ(channel.Send(other), "0");
  channel.Publish({kReady, kReady});
  EXPECT_EQ(channel.Send(call), "1");
}

// --- Roles ------------------------------------------------------------------

// Backend 0 is the primary, whose role has a backlog, and 1 is a replica.
struct PrimaryAndReplica : Channel {
  PrimaryAndReplica() : Channel({{"primary"}, {"replica"}}) {
    config().roles["primary"].backlog = DefaultBacklog();
    config().roles["replica"];
  }
};

TEST(PickPlanBacklogTest, AWriteWaitsWhileReadsGoOn) {
  PrimaryAndReplica channel;
  channel.Publish({kFailed, kReady});
  Waiter write = CallTo("primary");
  Waiter read = CallTo("replica");
  EXPECT_EQ(channel.Pick(write), "waits");
  EXPECT_EQ(channel.Send(read), "1");
  channel.Publish({kReady, kReady});
  EXPECT_EQ(channel.Send(write), "0");
}

TEST(PickPlanBacklogTest, ARoleWithAnEntryWithoutBacklogHasNone) {
  PrimaryAndReplica channel;
  channel.config().root.backlog = DefaultBacklog();
  channel.Publish({kReady, kFailed});
  Waiter read = CallTo("replica");
  EXPECT_EQ(channel.Pick(read), "no backend");
}

struct FallbackCase {
  const char* name;
  WhenUnavailable when;
  const char* fallback_role;
};
const FallbackCase kFallbackCases[] = {
    {"Any", WhenUnavailable::kAny, ""},
    {"AnotherRole", WhenUnavailable::kRole, "replica"},
};

TEST(PickPlanBacklogTest, AFallbackThatIsUsableIsBetterThanToWait) {
  for (const FallbackCase& c : kFallbackCases) {
    SCOPED_TRACE(c.name);
    PrimaryAndReplica channel;
    channel.Publish({kFailed, kReady});
    Waiter call = CallTo("primary", c.when, c.fallback_role);
    EXPECT_EQ(channel.Send(call), "1");
    channel.Advance(absl::Seconds(1));  // The primary's backlog is DOWN.
    Waiter late = CallTo("primary", c.when, c.fallback_role);
    EXPECT_EQ(channel.Send(late), "1");
  }
}

TEST(PickPlanBacklogTest, AFallbackThatComesBackTakesAllThatWait) {
  for (const FallbackCase& c : kFallbackCases) {
    SCOPED_TRACE(c.name);
    PrimaryAndReplica channel;
    channel.Publish({kFailed, kFailed});
    Waiter first = CallTo("primary", c.when, c.fallback_role);
    Waiter second = CallTo("primary", c.when, c.fallback_role);
    EXPECT_EQ(channel.Pick(first), "waits");
    EXPECT_EQ(channel.Pick(second), "waits");
    channel.Publish({kFailed, kReady});
    EXPECT_EQ(channel.Pick(first), "1");
    EXPECT_TRUE(first.ticket.Leave(/*sent=*/true)) << "the second may go";
    channel.BeginPass();
    EXPECT_EQ(channel.Send(second), "1");
  }
}

TEST(PickPlanBacklogTest, WithoutItsOwnACallWaitsInItsFallbacksBacklog) {
  Channel channel({{"primary"}, {"replica"}});
  channel.config().root.backlog = DefaultBacklog();
  channel.config().roles["primary"];
  channel.Publish({kFailed, kFailed});
  Waiter bound = CallTo("primary");
  EXPECT_EQ(channel.Pick(bound), "no backend");
  Waiter any = CallTo("primary", WhenUnavailable::kAny);
  EXPECT_EQ(channel.Pick(any), "waits");
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.Send(any), "0") << "its own role comes first";
}

TEST(PickPlanBacklogTest, ABacklogThatIsTakenAwayLetsItsCallsGo) {
  TwoWithBacklog channel;
  channel.Publish({kFailed, kFailed});
  Waiter call = CallTo();
  EXPECT_EQ(channel.Pick(call), "waits");
  channel.config().root.backlog.reset();
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.Pick(call), "no backend");
  EXPECT_FALSE(call.ticket.waiting);
}

// --- Nested -----------------------------------------------------------------

// Backend 0 is in "eu", which has a backlog, and 1 is in "us", which has none.
struct TwoZones : Channel {
  TwoZones() : Channel({{"", "eu"}, {"", "us"}}) {
    config().root.strategy = StrategyKind::kPrimary;
    for (const char* zone : {"eu", "us"}) {
      BalancerConfig member;
      member.name = zone;
      member.select.zone = zone;
      config().root.members.push_back(member);
    }
    config().root.members[0].backlog = DefaultBacklog();
  }
};

TEST(PickPlanBacklogTest, AMembersBacklogIsThatOfTheCallsAboveIt) {
  TwoZones channel;
  channel.Publish({kFailed, kReady});
  Waiter call = CallTo();
  EXPECT_EQ(channel.Send(call), "1") << "another member is usable";
  channel.Publish({kFailed, kFailed});
  Waiter first = CallTo();
  Waiter second = CallTo();
  EXPECT_EQ(channel.Pick(first), "waits");
  EXPECT_EQ(channel.Pick(second), "waits");
  channel.Publish({kFailed, kReady});
  EXPECT_EQ(channel.Pick(first), "1");
  EXPECT_TRUE(first.ticket.Leave(/*sent=*/true)) << "the second may go";
  channel.BeginPass();
  EXPECT_EQ(channel.Send(second), "1");
}

// --- States -----------------------------------------------------------------

TEST(PickPlanBacklogTest, ABacklogGoesDownInTimeAndComesBackAtOnce) {
  TwoWithBacklog channel;
  channel.Publish({kConnecting, kFailed});
  EXPECT_EQ(channel.changes(), "") << "one may still connect";
  EXPECT_EQ(channel.quiet_for(), absl::InfiniteDuration());
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.changes(), "root: ALIVE -> OVERLOADED");
  EXPECT_EQ(channel.quiet_for(), absl::Seconds(1)) << "overloadTimeout";
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.changes(), "");
  channel.Advance(absl::Milliseconds(999));
  EXPECT_EQ(channel.changes(), "");
  channel.Advance(absl::Milliseconds(1));
  EXPECT_EQ(channel.changes(), "root: OVERLOADED -> DOWN");
  EXPECT_EQ(channel.quiet_for(), absl::InfiniteDuration());
  channel.Publish({kFailed, kReady});
  EXPECT_EQ(channel.changes(), "root: DOWN -> ALIVE");
}

// A trial may fail, so its backend does not end an outage.
TEST(PickPlanBacklogTest, ABackendOnTrialIsNoneThatIsUsable) {
  TwoWithBacklog channel;
  channel.Publish({kReady, kFailed});
  channel.backend(0).load.admission = kTrialOpen;
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.changes(), "root: ALIVE -> OVERLOADED");
  channel.Advance(absl::Seconds(1));
  EXPECT_EQ(channel.changes(), "root: OVERLOADED -> DOWN");
  channel.backend(0).load.admission = 0;
  channel.SetFlags(0, kOnTrial, true);
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.changes(), "");
  channel.SetFlags(0, kOnTrial, false);
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.changes(), "root: DOWN -> ALIVE");
}

TEST(PickPlanBacklogTest, TheNextDeadlineIsTheFirstOneOfAllBacklogs) {
  PrimaryAndReplica channel;
  channel.config().root.backlog = DefaultBacklog();
  channel.config().root.backlog->overload_timeout = absl::Seconds(3);
  channel.config().roles["primary"].backlog->overload_timeout =
      absl::Seconds(2);
  channel.Publish({kFailed, kFailed});
  EXPECT_EQ(channel.changes(),
            "root: ALIVE -> OVERLOADED; "
            "role \"primary\": ALIVE -> OVERLOADED");
  EXPECT_EQ(channel.quiet_for(), absl::Seconds(2));
  channel.Advance(absl::Seconds(2));
  EXPECT_EQ(channel.changes(), "role \"primary\": OVERLOADED -> DOWN");
  EXPECT_EQ(channel.quiet_for(), absl::Seconds(1));
  channel.Publish({kReady, kFailed});
  EXPECT_EQ(channel.changes(),
            "root: OVERLOADED -> ALIVE; role \"primary\": DOWN -> ALIVE");
}

// The calls that wait in the backlog of "eu" are those of the root, and "us"
// can serve them.
TEST(PickPlanBacklogTest, AMembersBacklogCountsAllBackendsAboveIt) {
  struct Row {
    const char* name;
    LinkState us;
    const char* changes;
  };
  const Row rows[] = {
      {"TheOtherMemberServes", kReady, ""},
      {"TheOtherMemberMayConnect", kConnecting, ""},
      {"NoBackendIsLeft", kFailed, "root/eu: ALIVE -> OVERLOADED"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    TwoZones channel;
    channel.Publish({kFailed, row.us});
    EXPECT_EQ(channel.changes(), row.changes);
  }
}

}  // namespace
}  // namespace multi_backend

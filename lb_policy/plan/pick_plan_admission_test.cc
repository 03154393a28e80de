// PickPlan::Pick() among backends that do not admit every call: trials and slow
// start.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;

constexpr StrategyKind kAllKinds[] = {
    StrategyKind::kRoundRobin, StrategyKind::kWeighted,
    StrategyKind::kLeastBusy,  StrategyKind::kPeakEwma,
    StrategyKind::kSticky,     StrategyKind::kPrimary,
    StrategyKind::kRandom,
};

constexpr absl::Duration kSlowStart = absl::Seconds(10);

// The backends 0, 1, … of a channel, all connected; a smaller index is a better
// priority.
class Channel {
 public:
  explicit Channel(size_t backends) : timers_(new VirtualTimers()) {
    clock_.Set(absl::ToInt64Nanoseconds(absl::Seconds(100)));
    PoolTime time;
    time.clock = &clock_;
    time.timers = [timers = timers_]() { return timers; };
    pool_ = BackendPool::Create(std::move(time));
    config_.health.slow_start = kSlowStart;
    config_.health.passive.emplace();
    const auto health = std::make_shared<const HealthConfig>(config_.health);
    for (size_t i = 0; i < backends; ++i) {
      const std::string address = absl::StrCat("10.0.0.", i, ":1");
      Endpoint endpoint = *Endpoint::Parse(address);
      endpoint.priority = static_cast<int32_t>(i);
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, std::move(endpoint)));
      entries_.back().backend().health.Configure(health);
    }
  }

  PolicyConfig& config() { return config_; }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  int clock_reads() const { return clock_.reads(); }
  void Advance(absl::Duration by) {
    clock_.Advance(by);
    timers_->Advance(by);
  }

  void SetRole(size_t i, const char* role) {
    entries_[i].endpoint =
        std::make_shared<const Endpoint>(entries_[i].endpoint->WithRole(role));
  }
  void BeginRamp(size_t i) {
    (void)backend(i).health.MarkUnhealthy("");
    (void)backend(i).health.MarkHealthy("");
  }
  // Three failures take the backend down; its next call is a trial.
  void OpenTrial(size_t i) {
    for (int failure = 0; failure < 3; ++failure) {
      backend(i).health.OnCallEnded(AttemptOutcome::kFailed, "", /*trial=*/0);
    }
    Advance(absl::Seconds(1.2));
    ASSERT_EQ(backend(i).load.admission.load(), kTrialOpen);
  }

  std::unique_ptr<PickPlan> Make(
      StrategyKind strategy = StrategyKind::kRoundRobin) {
    config_.root.strategy = strategy;
    return PickPlan::Make(testing::PlanArgs(config_, entries_, clock_));
  }

 private:
  testing::ManualClock clock_;
  const std::shared_ptr<VirtualTimers> timers_;
  PolicyConfig config_;
  std::shared_ptr<BackendPool> pool_;
  std::vector<PlanEntry> entries_;
};

// The number of calls that each backend gets; every pick finds one.
std::vector<int> Spread(const PickPlan& plan, int calls,
                        PickRequest request = PickRequest()) {
  std::vector<int> counts(plan.entries().size());
  for (int call = 0; call < calls; ++call) {
    request.has_key = true;
    request.key_hash = Mix64(static_cast<uint64_t>(call));
    const PickPlan::Result result = plan.Pick(CallLabel(), request);
    if (result.outcome != Outcome::kPicked) {
      ADD_FAILURE() << "call " << call << " found no backend";
      break;
    }
    ++counts[result.entry];
  }
  return counts;
}

// --- Exclusion --------------------------------------------------------------

TEST(AdmissionTest, ManyThatRefuseDoNotPushOutTheOnesThatTheCallHasTried) {
  // More than TriedBackends holds.
  constexpr size_t kRampingBackends = TriedBackends::kCapacity + 1;
  for (size_t tried = 1; tried <= TriedBackends::kCapacity; ++tried) {
    for (const StrategyKind kind : kAllKinds) {
      SCOPED_TRACE(absl::StrCat(StrategyName(kind), ", ", tried, " tried"));
      Channel channel(tried + kRampingBackends);
      PickRequest request;
      for (size_t i = 0; i < tried; ++i) {
        request.tried.Add(channel.backend(i).id());
      }
      for (size_t i = tried; i < tried + kRampingBackends; ++i) {
        channel.BeginRamp(i);
      }
      const std::vector<int> counts = Spread(*channel.Make(kind), 300, request);
      for (size_t i = 0; i < tried; ++i) EXPECT_EQ(counts[i], 0) << i;
    }
  }
}

TEST(AdmissionTest, OneThatAdmitsTheCallIsFoundAmongManyThatRefuse) {
  constexpr size_t kBackends = 40;
  for (const StrategyKind kind : kAllKinds) {
    SCOPED_TRACE(StrategyName(kind));
    Channel channel(kBackends);
    // A claim of an open trial that nobody can take: always refuses.
    for (size_t i = 0; i + 1 < kBackends; ++i) {
      channel.backend(i).load.admission.store(kTrialOpen);
    }
    EXPECT_EQ(Spread(*channel.Make(kind), 20).back(), 20);
  }
}

TEST(AdmissionTest, WhenAllRampingOnesRefuseTheFirstChoiceGetsTheCall) {
  Channel channel(3);
  for (size_t i = 0; i < 3; ++i) channel.BeginRamp(i);
  const auto primary = channel.Make(StrategyKind::kPrimary);
  // Each admits a tenth of what reaches it, so 0.9^3 of the calls are refused
  // by all and go to the first.  The expected number there is 829, with a
  // standard deviation of 12.
  EXPECT_NEAR(Spread(*primary, 1000)[0], 829, 100);
  // The call has tried the best one, which is not chosen at all then.
  PickRequest request;
  request.tried.Add(channel.backend(0).id());
  EXPECT_EQ(Spread(*primary, 100, request)[0], 0);
}

// The trial is a call of another channel, which took it after this pick had
// seen it open.
TEST(AdmissionTest, ATrialThatIsTakenAdmitsNoCall) {
  Channel channel(3);
  for (size_t i = 0; i < 3; ++i) {
    channel.backend(i).load.admission.store(kTrialOpen);
  }
  for (const StrategyKind kind : kAllKinds) {
    const auto plan = channel.Make(kind);
    const PickPlan::Result result = plan->Pick(CallLabel(), PickRequest());
    EXPECT_EQ(result.outcome, Outcome::kNoBackend);
    EXPECT_EQ(result.trial, 0);
  }
  // One in slow start is better than to refuse the call.
  channel.backend(1).load.admission.store(0);
  channel.BeginRamp(1);
  const auto plan = channel.Make(StrategyKind::kRoundRobin);
  EXPECT_EQ(Spread(*plan, 10), (std::vector<int>{0, 10, 0}));
}

TEST(AdmissionTest, ACallThatItsRoleRefusesGoesToTheFallback) {
  Channel channel(2);
  channel.SetRole(0, "primary");
  const auto plan = channel.Make();
  CallLabel label;
  label.role = "primary";
  label.when_unavailable = WhenUnavailable::kAny;
  channel.backend(0).load.admission.store(kTrialOpen);
  for (int call = 0; call < 4; ++call) {
    EXPECT_EQ(plan->Pick(label, PickRequest()).entry, 1u);
  }
}

// --- Trials -----------------------------------------------------------------

TEST(AdmissionTest, OneCallIsTheTrialAndTheOthersGoElsewhere) {
  for (const StrategyKind kind : kAllKinds) {
    SCOPED_TRACE(StrategyName(kind));
    Channel channel(2);
    channel.OpenTrial(0);
    const auto plan = channel.Make(kind);
    uint16_t trial = 0;
    for (int call = 0; call < 100; ++call) {
      const PickPlan::Result result =
          plan->Pick(CallLabel(), testing::RequestWithKey(Mix64(call)));
      ASSERT_EQ(result.outcome, Outcome::kPicked);
      EXPECT_EQ(result.trial != 0, result.entry == 0);
      if (result.entry != 0) continue;
      EXPECT_EQ(trial, 0) << "one at a time";
      trial = result.trial;
    }
    ASSERT_NE(trial, 0);
    // It says nothing, so the next call is the trial.
    channel.backend(0).health.OnCallEnded(AttemptOutcome::kAbandoned, "",
                                          trial);
    EXPECT_EQ(channel.backend(0).load.admission.load(), kTrialOpen);
  }
}

TEST(AdmissionTest, ACallIsNoTrialOfABackendThatItHasTried) {
  Channel channel(2);
  channel.OpenTrial(0);
  const auto plan = channel.Make();
  PickRequest request;
  request.tried.Add(channel.backend(0).id());
  EXPECT_EQ(Spread(*plan, 10, request), (std::vector<int>{0, 10}));
  EXPECT_EQ(channel.backend(0).load.admission.load(), kTrialOpen);
}

TEST(AdmissionTest, APingIsNoTrial) {
  Channel channel(1);
  channel.OpenTrial(0);
  const auto plan = channel.Make();
  EXPECT_EQ(plan->PickForPing().outcome, Outcome::kPicked);
  EXPECT_EQ(plan->PickForPing().trial, 0);
  EXPECT_EQ(channel.backend(0).load.admission.load(), kTrialOpen);
}

// Two channels share the backends, so picks of two plans run at the same time,
// as do those of a plan and of its successor.
TEST(AdmissionTest, OfManyCallsAtOnceOneIsTheTrial) {
  constexpr int kTrials = 20'000;
  Channel channel(2);
  channel.OpenTrial(0);
  const std::unique_ptr<PickPlan> plans[] = {channel.Make(), channel.Make()};
  std::atomic<int> trials{0};
  std::atomic<int> running{0};
  std::atomic<int> two_at_once{0};
  std::atomic<int> no_trial{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      while (trials.load() < kTrials) {
        const PickPlan::Result result =
            plans[t % 2]->Pick(CallLabel(), PickRequest());
        if (result.entry != 0) continue;
        if (result.trial == 0) {
          ++no_trial;
          continue;
        }
        two_at_once += running.fetch_add(1) != 0;
        ++trials;
        running.fetch_sub(1);
        // It decides nothing, so another call may become the trial.
        channel.backend(0).health.OnCallEnded(AttemptOutcome::kAbandoned, "",
                                              result.trial);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(two_at_once.load(), 0);
  EXPECT_EQ(no_trial.load(), 0) << "calls went to a backend that is down";
  EXPECT_EQ(channel.backend(0).load.admission.load(), kTrialOpen);
}

// --- Slow start -------------------------------------------------------------

// The ramping backend lets a share of the calls through whose turn it is; the
// others go to the second one, after which it is the first one's turn again.
TEST(AdmissionTest, ARampingBackendGetsItsShareOfItsCalls) {
  Channel channel(2);
  const auto plan = channel.Make(StrategyKind::kRoundRobin);
  channel.BeginRamp(0);
  struct Row {
    absl::Duration after;
    double share;
  };
  const Row rows[] = {{absl::ZeroDuration(), 0.1},
                      {0.2 * kSlowStart, 0.2},
                      {0.5 * kSlowStart, 0.5},
                      {0.9 * kSlowStart, 0.9}};
  absl::Duration passed;
  for (const Row& row : rows) {
    channel.Advance(row.after - passed);
    passed = row.after;
    // The seed is fixed; five standard deviations.
    const double expected = 2000 * row.share / (1 + row.share);
    EXPECT_NEAR(Spread(*plan, 2000)[0], expected, 5 * std::sqrt(expected))
        << row.share;
  }
  channel.Advance(kSlowStart - passed);
  EXPECT_EQ(Spread(*plan, 100), (std::vector<int>{50, 50}));
}

// Each backend is asked once in a pick, so a call that it refuses is refused.
TEST(AdmissionTest, AmongRampingBackendsTheNextOneIsAsked) {
  constexpr int kCalls = 10000;
  Channel channel(3);
  for (size_t i = 0; i < 3; ++i) channel.BeginRamp(i);
  const std::vector<int> counts =
      Spread(*channel.Make(StrategyKind::kPrimary), kCalls);
  // A tenth of what reaches each; what all refuse goes to the first.
  const double expected[] = {0.1 + 0.9 * 0.9 * 0.9, 0.9 * 0.1, 0.9 * 0.9 * 0.1};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(counts[i], kCalls * expected[i],
                5 * std::sqrt(kCalls * expected[i]))
        << i;
  }
}

TEST(AdmissionTest, ARefusedCallDoesNotMoveThePrimary) {
  Channel channel(2);
  channel.config().root.hold_down = absl::Hours(1);
  const auto plan = channel.Make(StrategyKind::kPrimary);
  EXPECT_EQ(Spread(*plan, 10)[0], 10);
  channel.BeginRamp(0);
  channel.Advance(0.5 * kSlowStart);
  EXPECT_GT(Spread(*plan, 1000)[0], 400)
      << "while another call is its member, it would be held down";
  channel.Advance(kSlowStart);
  EXPECT_EQ(Spread(*plan, 10)[0], 10);
}

TEST(AdmissionTest, PicksReadNoClockWhileEveryBackendAdmitsAll) {
  Channel channel(3);
  const auto plan = channel.Make();
  const int before = channel.clock_reads();
  Spread(*plan, 100);
  EXPECT_EQ(channel.clock_reads(), before);
  channel.BeginRamp(0);
  const int ramping = channel.clock_reads();
  Spread(*plan, 3);
  EXPECT_GT(channel.clock_reads(), ramping);
}

}  // namespace
}  // namespace multi_backend

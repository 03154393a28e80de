#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/lb_policy/status/event_reporter.h"
#include "multi_backend/lb_policy/status/plan_status.h"
#include "multi_backend/lb_policy/status/sink_reporter.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

class PlanStatusTest : public ::testing::Test {
 protected:
  // Three backends, of which only the first two are connected; the list is not
  // in the order of the addresses.
  PlanStatusTest() {
    Add("10.0.0.3:1", "db:1", LinkState::kReady);
    Add("10.0.0.1:1", "10.0.0.1:1", LinkState::kReady);
    Add("10.0.0.2:1", "10.0.0.2:1", LinkState::kFailed);
    entries_[2].error = "refused";
  }

  void Add(const std::string& address, const std::string& name,
           LinkState link) {
    Endpoint endpoint = *Endpoint::Parse(name);
    endpoint.role = "main";
    endpoint.zone = "eu";
    endpoint.weight = 10;
    entries_.push_back(
        testing::ReadyEntry(*pool_, address, std::move(endpoint)));
    entries_.back().link = link;
    Configure(entries_.back());
  }
  // Gives the backend the health configuration as it is now.
  void Configure(const PlanEntry& entry) const {
    entry.lease->Configure(std::make_shared<const HealthConfig>(config_.health),
                           /*max_requests=*/0, []() { return nullptr; });
  }
  ChannelStatus Status() {
    PickPlan::Args args = testing::PlanArgs(config_, entries_, clock_);
    args.backlogs = backlogs_;
    PlanStatus::Args status_args;
    status_args.pool = pool_;
    status_args.state = "READY";
    status_args.plan = PickPlan::Make(std::move(args));
    status_args.connections = {2, 1, 0};
    ChannelStatus status;
    PlanStatus(std::move(status_args)).WriteTo(status);
    return status;
  }

  testing::ManualClock clock_;
  const std::shared_ptr<BacklogSet> backlogs_ = std::make_shared<BacklogSet>();
  const std::shared_ptr<BackendPool> pool_ = BackendPool::Create();
  PolicyConfig config_;
  std::vector<PlanEntry> entries_;
};

TEST_F(PlanStatusTest, HasTheBackendsInTheOrderOfTheirAddresses) {
  entries_[0].backend().calls = 7;
  entries_[0].backend().failures = 2;
  entries_[0].backend().retries_landed = 1;
  entries_[0].backend().load.in_flight = 3;
  const ChannelStatus status = Status();
  EXPECT_EQ(status.state, "READY");
  ASSERT_EQ(status.backends.size(), 3u);
  EXPECT_EQ(status.backends[0].address, "10.0.0.1:1");
  EXPECT_EQ(status.backends[1].address, "10.0.0.2:1");
  EXPECT_EQ(status.backends[1].link, "FAILED");
  EXPECT_EQ(status.backends[1].link_error, "refused");
  EXPECT_EQ(status.backends[1].effective_weight, 0);
  const BackendStatus& third = status.backends[2];
  EXPECT_EQ(third.address, "10.0.0.3:1");
  EXPECT_EQ(third.name, "db:1");
  EXPECT_EQ(third.role, "main");
  EXPECT_EQ(third.zone, "eu");
  EXPECT_EQ(third.weight, 10u);
  EXPECT_EQ(third.effective_weight, 10);
  EXPECT_EQ(third.state, "ALIVE");
  EXPECT_EQ(third.link, "READY");
  EXPECT_EQ(third.connections, 2);
  EXPECT_EQ(third.in_flight, 3);
  EXPECT_EQ(third.calls, 7u);
  EXPECT_EQ(third.failures, 2u);
  EXPECT_EQ(third.retries_landed, 1u);
  EXPECT_EQ(third.last_probe, "");
}

TEST_F(PlanStatusTest, ABackendOutOfUseHasNoEffectiveWeight) {
  pool_->MarkUnhealthy("db:1", "by hand");
  const BackendStatus marked = Status().backends[2];
  EXPECT_EQ(marked.state, "DOWN");
  EXPECT_EQ(marked.reason, "marked unhealthy: by hand");
  EXPECT_EQ(marked.weight, 10u);
  EXPECT_EQ(marked.effective_weight, 0);
}

TEST_F(PlanStatusTest, SlowStartLowersTheEffectiveWeight) {
  config_.health.slow_start = absl::Hours(10);
  Configure(entries_[0]);
  pool_->MarkUnhealthy("db:1");
  pool_->MarkHealthy("db:1");
  EXPECT_DOUBLE_EQ(Status().backends[2].effective_weight, 1);
}

TEST_F(PlanStatusTest, CountsEjectionsAndProbes) {
  config_.health.passive.emplace();
  config_.health.passive->unhealthy_after = 2;
  Configure(entries_[0]);
  Backend& backend = entries_[0].backend();
  for (int i = 0; i < 2; ++i) {
    backend.health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  }
  (void)backend.OnProbe(true, "");
  (void)backend.OnProbe(false, std::string(1000, 'x'));
  const BackendStatus status = Status().backends[2];
  EXPECT_EQ(status.state, "DOWN");
  EXPECT_EQ(status.ejections, 1u);
  EXPECT_EQ(status.probes_passed, 1u);
  EXPECT_EQ(status.probes_failed, 1u);
  EXPECT_EQ(status.last_probe, absl::StrCat("failed: ", std::string(200, 'x')));
}

TEST_F(PlanStatusTest, ShowsTheAbsentBackendsOfThePool) {
  pool_->MarkUnhealthy("10.0.0.0:9", "not yet");
  const ChannelStatus status = Status();
  ASSERT_EQ(status.backends.size(), 4u);
  EXPECT_EQ(status.backends[0].address, "10.0.0.0:9");
  EXPECT_TRUE(status.backends[0].absent);
  EXPECT_FALSE(status.backends[1].absent);
}

TEST_F(PlanStatusTest, WithoutAPlanThereAreTheAbsentBackendsOnly) {
  entries_.clear();
  pool_->MarkUnhealthy("10.0.0.0:9");
  PlanStatus::Args args;
  args.pool = pool_;
  ChannelStatus status;
  PlanStatus(std::move(args)).WriteTo(status);
  EXPECT_EQ(status.state, "");
  ASSERT_EQ(status.backends.size(), 1u);
  EXPECT_TRUE(status.balancers.empty());
}

TEST_F(PlanStatusTest, HasEachBalancerWithItsBacklogAndItsPanic) {
  config_.root.strategy = StrategyKind::kPrimary;
  config_.root.backlog.emplace();
  config_.root.backlog->limit = 5;
  config_.health.panic_percent = 50;
  BalancerConfig replica;
  replica.strategy = StrategyKind::kRandom;
  config_.roles["replica"] = replica;
  pool_->MarkUnhealthy("10.0.0.1:1");
  const ChannelStatus status = Status();
  ASSERT_EQ(status.balancers.size(), 3u);
  EXPECT_EQ(status.balancers[0].path, "root");
  EXPECT_EQ(status.balancers[0].strategy, "PRIMARY");
  EXPECT_TRUE(status.balancers[0].panic);
  EXPECT_TRUE(status.balancers[0].has_backlog);
  EXPECT_EQ(status.balancers[0].backlog_state, "ALIVE");
  EXPECT_EQ(status.balancers[0].limit, 5u);
  EXPECT_EQ(status.balancers[0].waiting, 0u);
  std::string paths =
      absl::StrCat(status.balancers[1].path, " ", status.balancers[2].path);
  EXPECT_TRUE(paths == "role \"main\" role \"replica\"" ||
              paths == "role \"replica\" role \"main\"")
      << paths;
}

// --- Events ------------------------------------------------------------------

class Recorder final : public MetricsSink {
 public:
  void OnStateChanged(const StateChanged& change) override {
    changes.push_back(absl::StrCat(
        static_cast<int>(change.kind), " ", change.target.text, " ",
        change.backend.text, " ", change.who, ": ", change.from, " -> ",
        change.to, ": ", change.reason,
        change.ejection == Ejection::kFailedCalls ? " (ejection)" : ""));
  }
  std::vector<std::string> changes;
};

TEST_F(PlanStatusTest, SinksHearOfEvents) {
  const auto first = std::make_shared<Recorder>();
  const auto second = std::make_shared<Recorder>();
  const SinkReporter reporter("dns:///db", {first, second});
  config_.health.passive.emplace();
  config_.health.passive->unhealthy_after = 1;
  Configure(entries_[0]);
  entries_[0].backend().health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  pool_->MarkUnhealthy("10.0.0.1:1", "by hand");
  for (const PoolEvent& event : pool_->GetEvents()) reporter.Report(event);
  EXPECT_EQ(first->changes, second->changes);
  ASSERT_EQ(first->changes.size(), 2u);
  EXPECT_EQ(first->changes[0].substr(0, 42),
            "0 dns:///db db:1 10.0.0.3:1: ALIVE -> DOWN");
  EXPECT_EQ(first->changes[1],
            "0 dns:///db 10.0.0.1:1 10.0.0.1:1: ALIVE -> DOWN: "
            "marked unhealthy: by hand");
}

// Another channel of the pool lists a backend of its own and has a backlog.
TEST_F(PlanStatusTest, SinksHearOfTheirOwnChannelOnly) {
  const auto sink = std::make_shared<Recorder>();
  EventReporter reporter(pool_->events(), SinkReporter("t", {sink}));
  EventReporter other(pool_->events(), SinkReporter("u", {}));
  const auto foreign = pool_->Acquire("10.0.0.9:1", "10.0.0.9:1");
  pool_->MarkUnhealthy("10.0.0.9:1");
  other.Report(PoolEvent::Kind::kBacklog, "root", "ALIVE", "DOWN", "theirs");
  reporter.Report(PoolEvent::Kind::kBacklog, "root", "ALIVE", "DOWN", "ours");
  pool_->MarkUnhealthy("10.0.0.1:1", "by hand");
  int traced = 0;
  int logged = 0;
  const auto trace = [&](const std::string&, bool log) {
    ++traced;
    logged += log ? 1 : 0;
  };
  reporter.PassOn(entries_, trace);
  reporter.PassOn(entries_, trace);
  other.PassOn(entries_, trace);
  EXPECT_EQ(sink->changes, (std::vector<std::string>{
                               "2 t  root: ALIVE -> DOWN: ours",
                               "0 t 10.0.0.1:1 10.0.0.1:1: ALIVE -> DOWN: "
                               "marked unhealthy: by hand"}));
  EXPECT_EQ(traced, 8);
  EXPECT_EQ(logged, 4);
}

}  // namespace
}  // namespace multi_backend

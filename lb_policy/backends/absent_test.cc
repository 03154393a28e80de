// What a pool remembers of backends that no channel lists.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/backends/backend.h"
#include "multi_backend/lb_policy/backends/flags.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/backends/testing/virtual_pool_test.h"
#include "multi_backend/proto/config/config.h"

namespace multi_backend {
namespace {

constexpr char kIp[] = "10.0.0.1:80";
constexpr char kName[] = "db.example:80";
constexpr char kOtherIp[] = "10.0.0.2:80";

class AbsentTest : public VirtualPoolTest {
 protected:
  explicit AbsentTest(const BackendPoolOptions& options = {})
      : VirtualPoolTest(options) {
    auto health = std::make_shared<HealthConfig>();
    health->passive.emplace();
    health->passive->down_retry_after = absl::Seconds(60);
    health->passive->max_down_retry_after = absl::Seconds(60);
    health_ = std::move(health);
  }

  // Takes the backend down by failed calls, for exactly 60 s.
  static void Fail(const LeasePtr& lease) {
    for (int i = 0; i < 3; ++i) {
      lease->backend()->health.OnCallEnded(AttemptOutcome::kFailed, "reset",
                                           /*trial=*/0);
    }
    ASSERT_FALSE(Usable(lease));
  }
  static bool Usable(const LeasePtr& lease) {
    return lease->backend()->load.usable();
  }
  // "10.0.0.1:80=DOWN 10.0.0.2:80=ALIVE"; absent ones in brackets.
  std::string All() const {
    std::string all;
    for (const BackendSnapshot& backend : pool_->GetAllBackends()) {
      const std::string one =
          absl::StrCat(backend.address, "=", StateName(backend.state));
      absl::StrAppend(&all, all.empty() ? "" : " ",
                      backend.absent ? absl::StrCat("[", one, "]") : one);
      EXPECT_FALSE(backend.absent && backend.healthy);
    }
    return all;
  }
  std::string LastEvent() const {
    const auto events = pool_->GetEvents();
    return events.empty() ? "" : events.back().ToString();
  }
};

// --- Marks -------------------------------------------------------------------

TEST_F(AbsentTest, AMarkHoldsOverAListWithoutTheBackend) {
  LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp, "deploy");
  lease.reset();
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
  EXPECT_TRUE(pool_->GetHealthyBackends().empty());
  lease = Acquire(kIp);
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN");
  EXPECT_EQ(lease->backend()->load.unusable_reasons.load(), kMarkedUnhealthy);
  EXPECT_EQ(lease->UnusableReason(), "marked unhealthy: deploy");
  pool_->MarkHealthy(kIp);
  EXPECT_TRUE(Usable(lease));
}

TEST_F(AbsentTest, AMarkIsLiftedWhileTheBackendIsAbsent) {
  LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp);
  lease.reset();
  pool_->MarkHealthy(kIp, "done");
  EXPECT_EQ(All(), "");
  EXPECT_EQ(LastEvent(), "10.0.0.1:80: DOWN -> ALIVE: marked healthy: done");
  lease = Acquire(kIp);
  EXPECT_TRUE(Usable(lease));
}

TEST_F(AbsentTest, ABackendOfWhichNothingIsDecidedIsForgottenAtOnce) {
  LeasePtr lease = Acquire(kIp);
  const uint32_t id = lease->backend()->id();
  lease->SetLinkState(LinkState::kFailed, "refused");
  lease.reset();
  EXPECT_EQ(All(), "");
  lease = Acquire(kIp);
  EXPECT_EQ(All(), "10.0.0.1:80=ALIVE");
  EXPECT_NE(lease->backend()->id(), id);
}

// Each row marks `marked` when no channel lists it, and then lists kIp as
// kName.
TEST_F(AbsentTest, AMarkBeforeTheFirstChannelCounts) {
  struct Row {
    const char* marked;
    bool usable;
  };
  for (const Row& row : {Row{kIp, false}, Row{kName, false},
                         Row{kOtherIp, true}, Row{"db.example", true}}) {
    SCOPED_TRACE(row.marked);
    pool_ = BackendPool::Create();
    pool_->MarkUnhealthy(row.marked, "early");
    EXPECT_EQ(All(), absl::StrCat("[", row.marked, "=DOWN]"));
    const LeasePtr lease = Acquire(kIp, kName);
    EXPECT_EQ(Usable(lease), row.usable);
    EXPECT_EQ(lease->UnusableReason(),
              row.usable ? "" : "marked unhealthy: early");
    pool_->MarkHealthy(row.marked);
    EXPECT_TRUE(Usable(lease));
    EXPECT_EQ(All(), "10.0.0.1:80=ALIVE");
  }
}

TEST_F(AbsentTest, AMarkOfANameIsForAllAddressesThatTheNameGets) {
  pool_->MarkUnhealthy(kName);
  const LeasePtr first = Acquire(kIp, kName);
  const LeasePtr second = Acquire(kOtherIp, kName);
  EXPECT_FALSE(Usable(first));
  EXPECT_FALSE(Usable(second));
  // An address of its own is not meant.
  const LeasePtr third = Acquire("10.0.0.3:80");
  EXPECT_TRUE(Usable(third));
}

TEST_F(AbsentTest, AnEmptyAddressMarksNothing) {
  pool_->MarkUnhealthy("");
  EXPECT_EQ(All(), "");
}

TEST_F(AbsentTest, AnotherChannelsNameOfAMarkedAddressIsMarked) {
  const LeasePtr by_ip = Acquire(kIp);
  pool_->MarkUnhealthy(kIp);
  const LeasePtr by_name = Acquire(kIp, kName);
  EXPECT_FALSE(Usable(by_name));
  pool_->MarkHealthy(kIp);
  EXPECT_TRUE(Usable(by_name));
}

// Two services may share an address, such as that of a proxy.
TEST_F(AbsentTest, AMarkOfANameLeavesOtherNamesOfTheAddressAlone) {
  const LeasePtr marked = Acquire(kIp, kName);
  pool_->MarkUnhealthy(kName);
  const LeasePtr other = Acquire(kIp, "web.example:80");
  EXPECT_TRUE(Usable(other));
}

TEST_F(AbsentTest, FailuresOfANameLeaveAnotherChannelsNameAlone) {
  const LeasePtr failing = Acquire(kIp, kName);
  Fail(failing);
  const LeasePtr other = Acquire(kIp, "web.example:80");
  EXPECT_TRUE(Usable(other));
}

// --- Ejections ---------------------------------------------------------------

TEST_F(AbsentTest, AnEjectionKeepsItsTime) {
  LeasePtr lease = Acquire(kIp);
  Fail(lease);
  Advance(absl::Seconds(20));
  lease.reset();
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
  Advance(absl::Seconds(10));
  lease = Acquire(kIp);
  EXPECT_FALSE(Usable(lease));
  Advance(absl::Seconds(29));
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN");
  Advance(absl::Seconds(1));
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN_RETRY");
  EXPECT_EQ(lease->backend()->load.admission.load(), kTrialOpen);
}

TEST_F(AbsentTest, AnEjectionThatEndsMeanwhileLeavesATrial) {
  LeasePtr lease = Acquire(kIp);
  Fail(lease);
  lease.reset();
  const size_t events = pool_->GetEvents().size();
  Advance(absl::Seconds(61));
  EXPECT_EQ(pool_->GetEvents().size(), events) << "nothing happens to it";
  lease = Acquire(kIp);
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN_RETRY");
  EXPECT_NE(lease->backend()->health.TryBeginTrial(), 0);
}

TEST_F(AbsentTest, ATrialThatRunsWhenTheBackendLeavesDecidesNothing) {
  LeasePtr lease = Acquire(kIp);
  Fail(lease);
  Advance(absl::Seconds(60));
  const uint16_t trial = lease->backend()->health.TryBeginTrial();
  ASSERT_NE(trial, 0);
  const BackendRef backend = lease->backend();
  lease.reset();
  lease = Acquire(kIp);
  EXPECT_NE(lease->backend()->health.TryBeginTrial(), 0) << "another may begin";
  backend->health.OnCallEnded(AttemptOutcome::kFailed, "reset", trial);
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN_RETRY");
}

TEST_F(AbsentTest, CallsThatEndMeanwhileDecideNothing) {
  LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  const BackendRef backend = lease->backend();
  lease.reset();
  for (int i = 0; i < 3; ++i) {
    backend->health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  }
  lease = Acquire(kIp);
  EXPECT_TRUE(Usable(lease));
  backend->EndCall();
}

TEST_F(AbsentTest, ADownOfProbesEndsWhenTheNewChannelDoesNotProbe) {
  auto probed = std::make_shared<HealthConfig>();
  probed->active.emplace();
  LeasePtr lease = pool_->Acquire(kIp, kIp);
  lease->Configure(probed, 0, []() { return nullptr; });
  for (int i = 0; i < 3; ++i) {
    (void)lease->backend()->OnProbe(false, "not serving");
  }
  lease.reset();
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
  lease = pool_->Acquire(kIp, kIp);
  lease->Configure(probed, 0, []() { return nullptr; });
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN");
  lease.reset();
  lease = Acquire(kIp);
  EXPECT_EQ(All(), "10.0.0.1:80=ALIVE");
}

// --- Other names -------------------------------------------------------------

// The ways from kIp to kName, and back.
enum class Way { kInOneUpdate, kAfterAnAbsence };

class RenameTest : public AbsentTest,
                   public ::testing::WithParamInterface<Way> {
 protected:
  // The lease of the address under `name`; `lease` ends, as the channel's next
  // plan drops it.
  LeasePtr Rename(LeasePtr lease, absl::string_view name) {
    if (GetParam() == Way::kInOneUpdate) {
      LeasePtr renamed = Acquire(kIp, name, lease);
      lease.reset();
      return renamed;
    }
    lease.reset();
    return Acquire(kIp, name);
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, RenameTest,
                         ::testing::Values(Way::kInOneUpdate,
                                           Way::kAfterAnAbsence));

TEST_P(RenameTest, KeepsAMark) {
  LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp, "deploy");
  lease = Rename(std::move(lease), kName);
  EXPECT_EQ(lease->UnusableReason(), "marked unhealthy: deploy");
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN") << "one backend, not two";
  lease = Rename(std::move(lease), kIp);
  EXPECT_EQ(lease->UnusableReason(), "marked unhealthy: deploy");
  pool_->MarkHealthy(kIp);
  EXPECT_EQ(All(), "10.0.0.1:80=ALIVE");
}

TEST_P(RenameTest, KeepsAnEjectionAndItsTime) {
  LeasePtr lease = Acquire(kIp);
  Fail(lease);
  Advance(absl::Seconds(20));
  lease = Rename(std::move(lease), kName);
  EXPECT_FALSE(Usable(lease));
  Advance(absl::Seconds(39));
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN");
  Advance(absl::Seconds(1));
  EXPECT_EQ(All(), "10.0.0.1:80=DOWN_RETRY");
}

TEST_P(RenameTest, KeepsFailuresThatASuccessEnds) {
  LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();  // Else nothing is known of it.
  for (int i = 0; i < 2; ++i) {
    lease->backend()->health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  }
  const BackendRef old = lease->backend();
  lease = Rename(std::move(lease), kName);
  lease->backend()->OnAnswered(/*trial=*/0);
  lease->backend()->health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  EXPECT_TRUE(Usable(lease));
  old->EndCall();
}

TEST_F(AbsentTest, FailuresBeforeAnAbsenceEndWithASuccessAfterIt) {
  LeasePtr lease = Acquire(kIp);
  const BackendRef backend = lease->backend();
  backend->BeginCall();  // Else nothing is known of it.
  for (int i = 0; i < 2; ++i) {
    backend->health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  }
  lease.reset();
  backend->OnAnswered(/*trial=*/0);  // Nobody listens now.
  lease = Acquire(kIp);
  ASSERT_EQ(lease->backend().get(), backend.get());
  backend->OnAnswered(/*trial=*/0);
  backend->health.OnCallEnded(AttemptOutcome::kFailed, "reset", 0);
  EXPECT_TRUE(Usable(lease));
  backend->EndCall();
}

TEST_P(RenameTest, CountsTheCallsThatStillRun) {
  limit_ = 2;
  LeasePtr lease = Acquire(kIp);
  const BackendRef old = lease->backend();
  for (int i = 0; i < 2; ++i) {
    old->calls.fetch_add(1);
    old->BeginCall();
  }
  lease = Rename(std::move(lease), kName);
  Backend& backend = *lease->backend();
  EXPECT_NE(&backend, old.get());
  EXPECT_EQ(backend.load.in_flight.load(), 2);
  EXPECT_EQ(backend.calls.load(), 2u);
  EXPECT_EQ(backend.load.unusable_reasons.load(), kAtLimit);
  old->EndCall();
  EXPECT_EQ(backend.load.in_flight.load(), 1);
  EXPECT_TRUE(Usable(lease));
  // A second change of the name hands over what is left.
  lease = Rename(std::move(lease), kIp);
  EXPECT_EQ(lease->backend()->load.in_flight.load(), 1);
  old->EndCall();
  EXPECT_EQ(lease->backend()->load.in_flight.load(), 0);
}

TEST_F(AbsentTest, ANameThatGoesAndComesBackWhileAnotherChannelHasItStays) {
  const LeasePtr other = Acquire(kIp);
  LeasePtr lease = Acquire(kIp);
  LeasePtr renamed = Acquire(kIp, kName, lease);
  lease.reset();
  EXPECT_EQ(All(), "10.0.0.1:80=ALIVE 10.0.0.1:80=ALIVE");
  lease = Acquire(kIp, kIp, renamed);
  EXPECT_EQ(lease->backend().get(), other->backend().get());
  renamed.reset();
  EXPECT_EQ(All(), "10.0.0.1:80=ALIVE");
}

TEST_F(AbsentTest, CallsUnderANameThatGoesAgainCountForTheOtherChannels) {
  const LeasePtr other = Acquire(kIp);
  LeasePtr lease = Acquire(kIp);
  LeasePtr renamed = Acquire(kIp, kName, lease);
  lease.reset();
  const BackendRef named = renamed->backend();
  named->BeginCall();
  lease = Acquire(kIp, kIp, renamed);
  renamed.reset();
  EXPECT_EQ(other->backend()->load.in_flight.load(), 1);
  named->EndCall();
  EXPECT_EQ(other->backend()->load.in_flight.load(), 0);
}

TEST_F(AbsentTest, AMarkOfANameThatGoesAgainIsRemembered) {
  const LeasePtr other = Acquire(kIp);
  LeasePtr lease = Acquire(kIp);
  LeasePtr renamed = Acquire(kIp, kName, lease);
  lease.reset();
  pool_->MarkUnhealthy(kName, "broken");
  lease = Acquire(kIp, kIp, renamed);
  renamed.reset();
  EXPECT_TRUE(Usable(lease));
  renamed = Acquire(kIp, kName);
  EXPECT_FALSE(Usable(renamed));
}

// --- Calls -------------------------------------------------------------------

TEST_F(AbsentTest, CallsThatStillRunAreCountedWhenTheBackendIsBack) {
  limit_ = 2;
  LeasePtr lease = Acquire(kIp);
  const BackendRef old = lease->backend();
  old->BeginCall();
  old->BeginCall();
  lease.reset();
  EXPECT_EQ(All(), "") << "nothing is decided";
  old->EndCall();
  lease = Acquire(kIp);
  EXPECT_EQ(lease->backend()->load.in_flight.load(), 1);
  lease->backend()->BeginCall();
  EXPECT_FALSE(Usable(lease));
  lease->backend()->EndCall();
  old->EndCall();
  EXPECT_EQ(lease->backend()->load.in_flight.load(), 0);
}

TEST_F(AbsentTest, CallsAreCountedForAsLongAsTheyRun) {
  LeasePtr lease = Acquire(kIp);
  const BackendRef old = lease->backend();
  old->BeginCall();
  pool_->MarkUnhealthy(kIp);
  lease.reset();
  for (int i = 0; i < 3; ++i) {
    Advance(absl::Minutes(11));
    EXPECT_EQ(All(), "");
  }
  lease = Acquire(kIp);
  EXPECT_EQ(lease->backend()->load.in_flight.load(), 1);
  EXPECT_TRUE(Usable(lease)) << "the mark is forgotten";
  old->EndCall();
}

// --- Bounds ------------------------------------------------------------------

TEST_F(AbsentTest, AnAbsentBackendIsForgottenAfterItsTime) {
  LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp);
  lease.reset();
  Advance(absl::Minutes(10) - absl::Milliseconds(1));
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
  Advance(absl::Milliseconds(1));
  EXPECT_EQ(All(), "");
  lease = Acquire(kIp);
  EXPECT_TRUE(Usable(lease));
  EXPECT_EQ(LastEvent(),
            "10.0.0.1:80: DOWN -> ALIVE: forgotten: no channel has listed it "
            "for 10m");
}

TEST_F(AbsentTest, AMarkMadeAgainIsRememberedAnew) {
  pool_->MarkUnhealthy(kIp);
  Advance(absl::Minutes(9));
  pool_->MarkUnhealthy(kIp);
  Advance(absl::Minutes(9));
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
}

TEST_F(AbsentTest, EachReturnBeginsTheTimeAnew) {
  LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp);
  for (int i = 0; i < 5; ++i) {
    lease.reset();
    Advance(absl::Minutes(9));
    lease = Acquire(kIp);
    EXPECT_FALSE(Usable(lease)) << i;
  }
}

class FewAbsentTest : public AbsentTest {
 protected:
  FewAbsentTest() : AbsentTest(Options()) {}
  static BackendPoolOptions Options() {
    BackendPoolOptions options;
    options.remember_absent = absl::Seconds(30);
    options.max_absent = 2;
    return options;
  }
};

TEST_F(FewAbsentTest, TheOldestIsForgottenAndThatIsSaidOnce) {
  for (int i = 1; i <= 5; ++i) {
    pool_->MarkUnhealthy(absl::StrCat("10.0.0.", i, ":80"));
    Advance(absl::Seconds(1));
  }
  EXPECT_EQ(All(), "[10.0.0.4:80=DOWN] [10.0.0.5:80=DOWN]");
  std::vector<std::string> forgotten;
  for (const PoolEvent& event : pool_->GetEvents()) {
    if (event.to == "ALIVE") forgotten.push_back(event.ToString());
  }
  ASSERT_EQ(forgotten.size(), 1u);
  EXPECT_EQ(forgotten[0],
            "10.0.0.1:80: DOWN -> ALIVE: forgotten: the pool remembers no more "
            "than 2 absent backends (further ones are forgotten without an "
            "event)");
}

TEST_F(FewAbsentTest, TheTimeIsTheOneThatWasSet) {
  pool_->MarkUnhealthy(kIp);
  Advance(absl::Seconds(29));
  EXPECT_EQ(All(), "[10.0.0.1:80=DOWN]");
  Advance(absl::Seconds(1));
  EXPECT_EQ(All(), "");
}

class NoneAbsentTest : public AbsentTest {
 protected:
  NoneAbsentTest() : AbsentTest(Options()) {}
  static BackendPoolOptions Options() {
    BackendPoolOptions options;
    options.remember_absent = absl::ZeroDuration();
    return options;
  }
};

TEST_F(NoneAbsentTest, NothingIsRemembered) {
  pool_->MarkUnhealthy(kIp);
  LeasePtr lease = Acquire(kIp);
  EXPECT_TRUE(Usable(lease));
  pool_->MarkUnhealthy(kIp);
  lease.reset();
  EXPECT_EQ(All(), "");
  lease = Acquire(kIp);
  EXPECT_TRUE(Usable(lease));
}

// --- MarkHealthy -------------------------------------------------------------

TEST_F(AbsentTest, MarkHealthyEndsAMarkAndADownAndPromisesNothingForLater) {
  const LeasePtr lease = Acquire(kIp);
  Fail(lease);
  pool_->MarkHealthy(kIp);
  EXPECT_TRUE(Usable(lease)) << "a DOWN of calls has ended";
  Fail(lease);  // Three failures in a row suffice again.
  pool_->MarkUnhealthy(kIp);
  pool_->MarkHealthy(kIp);
  EXPECT_TRUE(Usable(lease)) << "the DOWN before the mark does not come back";

  auto probed = std::make_shared<HealthConfig>();
  probed->active.emplace();
  lease->Configure(probed, 0, []() { return nullptr; });
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(Usable(lease)) << "probe " << i;
      (void)lease->backend()->OnProbe(false, "not serving");
    }
    EXPECT_FALSE(Usable(lease));
    pool_->MarkHealthy(kIp);
    EXPECT_TRUE(Usable(lease)) << "a DOWN of probes has ended";
  }
}

}  // namespace
}  // namespace multi_backend

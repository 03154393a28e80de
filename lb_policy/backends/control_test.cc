// What an operator decides about backends: drains, weights, reconnects, and the
// watch of events.

#include <memory>
#include <string>
#include <thread>
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
#include "multi_backend/resolver/endpoint/endpoint.h"

namespace multi_backend {
namespace {

constexpr char kIp[] = "10.0.0.1:80";
constexpr char kOtherIp[] = "10.0.0.2:80";
constexpr char kName[] = "db.example:80";

DrainOptions Within(absl::Duration timeout) {
  DrainOptions options;
  options.timeout = timeout;
  options.reason = "deploy";
  options.asked_by = "ann";
  return options;
}

class ControlTest : public VirtualPoolTest {
 protected:
  using VirtualPoolTest::VirtualPoolTest;

  // Listed with the weight 1,000.
  LeasePtr Acquire(absl::string_view address, absl::string_view name,
                   const LeasePtr& renamed = nullptr) {
    LeasePtr lease = VirtualPoolTest::Acquire(address, name, renamed);
    lease->SetEndpoint(std::make_shared<const Endpoint>(
        Endpoint::Parse(name)->WithWeight(1000)));
    return lease;
  }
  LeasePtr Acquire(absl::string_view address) {
    return Acquire(address, address);
  }
  static uint32_t Flags(const LeasePtr& lease) {
    return lease->backend()->load.unusable_reasons.load();
  }
  BackendSnapshot Snapshot(absl::string_view address) const {
    for (BackendSnapshot& backend : pool_->GetAllBackends()) {
      if (backend.address == address) return std::move(backend);
    }
    return BackendSnapshot();
  }
  // "draining", "drained" or "".
  std::string DrainOf(absl::string_view address) const {
    const BackendSnapshot snapshot = Snapshot(address);
    return snapshot.drained ? "drained" : snapshot.draining ? "draining" : "";
  }
  // The events since the last call.
  std::vector<std::string> Events() {
    std::vector<std::string> texts;
    for (const PoolEvent& event : pool_->GetEvents(seen_)) {
      seen_ = event.sequence;
      texts.push_back(event.ToString());
    }
    return texts;
  }
  using Texts = std::vector<std::string>;

  uint64_t seen_ = 0;
};

// --- Drain -------------------------------------------------------------------

TEST_F(ControlTest, ADrainIsDoneWhenTheLastCallEnds) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(30))).ok());
  EXPECT_EQ(Events(), Texts{"10.0.0.1:80: serving -> draining: deploy "
                            "(asked by ann)"});
  EXPECT_EQ(Flags(lease), kDraining);
  EXPECT_EQ(DrainOf(kIp), "draining");
  EXPECT_EQ(lease->UnusableReason(), "draining: deploy");
  lease->backend()->EndCall();
  EXPECT_EQ(DrainOf(kIp), "draining");
  lease->backend()->EndCall();
  EXPECT_EQ(Events(), Texts{"10.0.0.1:80: draining -> drained: 0 in flight"});
  EXPECT_EQ(DrainOf(kIp), "drained");
  EXPECT_EQ(Flags(lease), kDraining | kKeysMoved);
  EXPECT_EQ(lease->UnusableReason(), "drained: deploy");
}

TEST_F(ControlTest, ABackendWithoutCallsIsDrainedAtOnce) {
  const LeasePtr lease = Acquire(kIp);
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  EXPECT_EQ(Events(), (Texts{"10.0.0.1:80: serving -> draining: manual",
                             "10.0.0.1:80: draining -> drained: 0 in flight"}));
}

TEST_F(ControlTest, KeysStayForHalfOfTheTimeout) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(10))).ok());
  Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  EXPECT_EQ(Flags(lease), kDraining);
  Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Flags(lease), kDraining | kKeysMoved);
  EXPECT_EQ(DrainOf(kIp), "draining");
}

TEST_F(ControlTest, TheTimeoutEndsADrainAndSaysHowManyCallsAreLeft) {
  const LeasePtr lease = Acquire(kIp);
  for (int i = 0; i < 3; ++i) lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(10))).ok());
  (void)Events();
  Advance(absl::Seconds(10));
  EXPECT_EQ(Events(),
            Texts{"10.0.0.1:80: draining -> drained: timeout: 3 in flight"});
  for (int i = 0; i < 3; ++i) lease->backend()->EndCall();
  EXPECT_EQ(Events(), Texts{});
}

TEST_F(ControlTest, WithoutATimeADrainEndsAtOnce) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::ZeroDuration())).ok());
  EXPECT_EQ(DrainOf(kIp), "drained");
  lease->backend()->EndCall();
}

TEST_F(ControlTest, AnEndlessDrainNeedsNoTimer) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::InfiniteDuration())).ok());
  EXPECT_EQ(timers_->pending(), 0u);
  Advance(absl::Hours(100));
  EXPECT_EQ(DrainOf(kIp), "draining");
  lease->backend()->EndCall();
  EXPECT_EQ(DrainOf(kIp), "drained");
}

TEST_F(ControlTest, ASecondDrainGivesAnotherTimeout) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(100))).ok());
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(1))).ok());
  Advance(absl::Seconds(1));
  EXPECT_EQ(DrainOf(kIp), "drained");
  (void)Events();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(1))).ok());
  EXPECT_EQ(DrainOf(kIp), "drained");
  EXPECT_EQ(Events(), Texts{});
  lease->backend()->EndCall();
}

TEST_F(ControlTest, UndrainBringsTheBackendBackThroughSlowStart) {
  auto health = std::make_shared<HealthConfig>();
  health->slow_start = absl::Seconds(10);
  health_ = health;
  const LeasePtr lease = Acquire(kIp);
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  Advance(absl::Seconds(60));
  (void)Events();
  ASSERT_TRUE(pool_->Undrain(kIp, "ann").ok());
  EXPECT_EQ(Events(), Texts{"10.0.0.1:80: drained -> serving (asked by ann)"});
  EXPECT_EQ(Flags(lease), 0u);
  EXPECT_EQ(lease->backend()->load.admission.load(), kRamping);
  EXPECT_DOUBLE_EQ(lease->backend()->health.ramp_share(), 0.1);
  EXPECT_EQ(DrainOf(kIp), "");
  ASSERT_TRUE(pool_->Undrain(kIp).ok());
  EXPECT_EQ(Events(), Texts{});
}

TEST_F(ControlTest, ADrainThatWasEndedStaysEnded) {
  const LeasePtr lease = Acquire(kIp);
  lease->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(10))).ok());
  ASSERT_TRUE(pool_->Undrain(kIp).ok());
  Advance(absl::Seconds(20));
  lease->backend()->EndCall();
  EXPECT_EQ(DrainOf(kIp), "");
  EXPECT_EQ(Flags(lease), 0u);
}

TEST_F(ControlTest, ADrainAndALimitOfCallsDoNotDisturbEachOther) {
  limit_ = 2;
  const LeasePtr lease = Acquire(kIp);
  EXPECT_TRUE(lease->backend()->TryBeginCall());
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(10))).ok());
  EXPECT_EQ(Flags(lease), kDraining);
  EXPECT_TRUE(lease->backend()->TryBeginCall());  // With a sticky key.
  EXPECT_EQ(Flags(lease), kDraining | kAtLimit);
  EXPECT_FALSE(lease->backend()->TryBeginCall());
  lease->backend()->SetLimit(3);
  EXPECT_EQ(Flags(lease), kDraining);
  ASSERT_TRUE(pool_->Undrain(kIp).ok());
  EXPECT_TRUE(lease->backend()->TryBeginCall());
  EXPECT_EQ(Flags(lease), kAtLimit);
  for (int i = 0; i < 3; ++i) lease->backend()->EndCall();
  EXPECT_EQ(Flags(lease), 0u);
}

TEST_F(ControlTest, ADrainWithoutALimitOfCallsRefusesNoneThatIsPicked) {
  const LeasePtr lease = Acquire(kIp);
  EXPECT_TRUE(lease->backend()->TryBeginCall());
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(10))).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(lease->backend()->TryBeginCall());  // With a sticky key.
  }
  EXPECT_EQ(Flags(lease), kDraining);
  for (int i = 0; i < 3; ++i) lease->backend()->EndCall();
  EXPECT_EQ(DrainOf(kIp), "drained");
}

TEST_F(ControlTest, ADrainAndAMarkAreIndependent) {
  const LeasePtr lease = Acquire(kIp);
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  pool_->MarkUnhealthy(kIp, "disk", "bob");
  EXPECT_EQ(lease->UnusableReason(), "marked unhealthy: disk");
  pool_->MarkHealthy(kIp);
  EXPECT_EQ(DrainOf(kIp), "drained");
  pool_->MarkUnhealthy(kIp, "disk");
  ASSERT_TRUE(pool_->Undrain(kIp).ok());
  EXPECT_EQ(Flags(lease), kMarkedUnhealthy);
}

// --- Over lists --------------------------------------------------------------

TEST_F(ControlTest, ADrainGoesOnWhileNoChannelListsTheBackend) {
  LeasePtr lease = Acquire(kIp);
  const BackendRef backend = lease->backend();
  backend->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(100))).ok());
  lease.reset();
  EXPECT_TRUE(Snapshot(kIp).absent);
  EXPECT_EQ(DrainOf(kIp), "draining");
  backend->EndCall();
  EXPECT_EQ(DrainOf(kIp), "drained");
  lease = Acquire(kIp);
  EXPECT_EQ(DrainOf(kIp), "drained");
  EXPECT_EQ(Flags(lease), kDraining | kKeysMoved);
}

TEST_F(ControlTest, AnUnknownBackendIsDrainedWhenItComes) {
  ASSERT_TRUE(pool_->Drain(kIp, Within(absl::Seconds(100))).ok());
  EXPECT_EQ(DrainOf(kIp), "drained");
  const LeasePtr lease = Acquire(kIp, kName);
  EXPECT_EQ(Flags(lease), kDraining | kKeysMoved);
}

TEST_F(ControlTest, ByNameAllAddressesAreDrained) {
  const LeasePtr first = Acquire(kIp, kName);
  ASSERT_TRUE(pool_->Drain(kName).ok());
  EXPECT_EQ(DrainOf(kIp), "drained");
  // The name comes with another address; the list said nothing about that one.
  const LeasePtr second = Acquire(kOtherIp, kName);
  EXPECT_EQ(DrainOf(kOtherIp), "");
}

TEST_F(ControlTest, ByAddressAllNamesAreDrained) {
  const LeasePtr first = Acquire(kIp, kName);
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  const LeasePtr second = Acquire(kIp, "other.example:80");
  EXPECT_EQ(Flags(second), kDraining | kKeysMoved);
}

// No call of the new name will end and say so.
TEST_F(ControlTest, ADrainByAddressIsDoneForANameWithoutCalls) {
  const LeasePtr first = Acquire(kIp, kName);
  first->backend()->BeginCall();
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  EXPECT_EQ(first->backend()->control.drain(),
            BackendControl::Drain::kDraining);
  const LeasePtr second = Acquire(kIp, "other.example:80");
  EXPECT_EQ(second->backend()->control.drain(),
            BackendControl::Drain::kDrained);
  EXPECT_EQ(first->backend()->control.drain(),
            BackendControl::Drain::kDraining);
  first->backend()->EndCall();
}

TEST_F(ControlTest, ARenamedBackendGoesOnWithItsDrainAndItsCalls) {
  LeasePtr lease = Acquire(kIp, kName);
  const BackendRef old = lease->backend();
  old->BeginCall();
  ASSERT_TRUE(pool_->Drain(kName, Within(absl::Seconds(100))).ok());
  const LeasePtr renamed = Acquire(kIp, "new.example:80", lease);
  lease.reset();
  EXPECT_EQ(DrainOf(kIp), "draining");
  (void)Events();
  old->EndCall();
  EXPECT_EQ(DrainOf(kIp), "drained");
  EXPECT_EQ(Events(), Texts{"10.0.0.1:80: draining -> drained: 0 in flight"});
}

TEST_F(ControlTest, AForgottenBackendServesAgain) {
  ASSERT_TRUE(pool_->Drain(kIp).ok());
  ASSERT_TRUE(pool_->SetWeight(kIp, 7).ok());
  (void)Events();
  Advance(absl::Minutes(10));
  const LeasePtr lease = Acquire(kIp);
  EXPECT_EQ(Events(),
            (Texts{"10.0.0.1:80: drained -> serving: forgotten: no channel has "
                   "listed it for 10m",
                   "10.0.0.1:80: 7 -> listed: forgotten: no channel has "
                   "listed it for 10m"}));
  EXPECT_EQ(Flags(lease), 0u);
  EXPECT_EQ(Snapshot(kIp).weight, 1000u);
}

// --- Weight ------------------------------------------------------------------

TEST_F(ControlTest, AWeightReplacesTheListedOneUntilItIsReset) {
  LeasePtr lease = Acquire(kIp);
  EXPECT_EQ(Snapshot(kIp).weight, 1000u);
  ASSERT_TRUE(pool_->SetWeight(kIp, 300, "ann").ok());
  EXPECT_EQ(Snapshot(kIp).weight, 300u);
  lease.reset();
  lease = Acquire(kIp);
  EXPECT_EQ(Snapshot(kIp).weight, 300u);
  ASSERT_TRUE(pool_->SetWeight(kIp, 400).ok());
  ASSERT_TRUE(pool_->ResetWeight(kIp, "ann").ok());
  EXPECT_EQ(Snapshot(kIp).weight, 1000u);
  EXPECT_EQ(Events(), (Texts{"10.0.0.1:80: listed -> 300 (asked by ann)",
                             "10.0.0.1:80: 300 -> 400",
                             "10.0.0.1:80: 400 -> listed (asked by ann)"}));
}

// --- Reconnects --------------------------------------------------------------

TEST_F(ControlTest, ResetBackoffTellsTheChannelsThatListTheBackend) {
  const LeasePtr lease = Acquire(kIp);
  int told = 0;
  const auto id =
      pool_->events()->AddWatch([]() {}, nullptr, [&told]() { ++told; });
  ASSERT_TRUE(pool_->ResetBackoff(kIp, "ann").ok());
  EXPECT_EQ(told, 1);
  EXPECT_EQ(lease->backend()->reconnect_requests.load(), 1u);
  EXPECT_EQ(Events(),
            Texts{"10.0.0.1:80: waiting -> connecting (asked by ann)"});
  EXPECT_EQ(pool_->ResetBackoff(kOtherIp).ToString(),
            "NOT_FOUND: backend \"10.0.0.2:80\": no channel lists it, so none "
            "connects to it");
  pool_->events()->RemoveWatch(id);
}

// --- What is refused ---------------------------------------------------------

TEST_F(ControlTest, BadArgumentsAreRefused) {
  const LeasePtr lease = Acquire(kIp);
  EXPECT_EQ(pool_->SetWeight(kIp, 0).ToString(),
            "INVALID_ARGUMENT: SetWeight: weight 0: must be 1..1000000; use "
            "Drain() to take a backend out of use");
  EXPECT_EQ(pool_->SetWeight(kIp, 1000001).ToString(),
            "INVALID_ARGUMENT: SetWeight: weight 1000001: must be 1..1000000");
  EXPECT_EQ(pool_->Drain(kIp, Within(-absl::Seconds(1))).ToString(),
            "INVALID_ARGUMENT: Drain: timeout -1s: must not be negative");
  for (const char* address : {"", "db", "10.0.0.1:", "10.0.0.1:99999"}) {
    EXPECT_EQ(pool_->Drain(address).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(pool_->Undrain(address).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(pool_->SetWeight(address, 1).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(pool_->ResetWeight(address).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(pool_->ResetBackoff(address).code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(pool_->Undrain(kOtherIp).ToString(),
            "NOT_FOUND: backend \"10.0.0.2:80\" is not known: use the address "
            "or the name that GetAllBackends() shows");
  EXPECT_TRUE(pool_->Drain("unix:/tmp/socket").ok());
}

TEST_F(ControlTest, TextsOfOperatorsAreBoundedAndOnOneLine) {
  const LeasePtr lease = Acquire(kIp);
  DrainOptions options;
  options.reason = absl::StrCat("a\nb", std::string(1000, 'x'));
  options.asked_by = "c\nd";
  ASSERT_TRUE(pool_->Drain(kIp, options).ok());
  EXPECT_EQ(Events()[0],
            absl::StrCat("10.0.0.1:80: serving -> draining: a?b",
                         std::string(197, 'x'), " (asked by c?d)"));
}

TEST_F(ControlTest, EventsOfMarksSayWhoAskedForThem) {
  const LeasePtr lease = Acquire(kIp);
  pool_->MarkUnhealthy(kIp, "disk",
                       absl::StrCat("a\nnn", std::string(1000, 'x')));
  pool_->MarkHealthy(kIp, "done", "bob");
  pool_->MarkUnhealthy(kIp, "disk");
  const std::vector<PoolEvent> events = pool_->GetEvents();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].asked_by, absl::StrCat("a?nn", std::string(196, 'x')));
  EXPECT_EQ(events[0].reason, "marked unhealthy: disk");
  EXPECT_EQ(events[1].asked_by, "bob");
  EXPECT_EQ(events[2].asked_by, "");
}

class ForgetfulControlTest : public ControlTest {
 protected:
  static BackendPoolOptions Options() {
    BackendPoolOptions options;
    options.remember_absent = absl::ZeroDuration();
    return options;
  }
  ForgetfulControlTest() : ControlTest(Options()) {}
};

TEST_F(ForgetfulControlTest, AnUnknownBackendIsAnError) {
  EXPECT_EQ(pool_->Drain(kIp).ToString(),
            "NOT_FOUND: backend \"10.0.0.1:80\" is not known, and the pool "
            "remembers no absent backends "
            "(BackendPoolOptions::remember_absent)");
}

// --- The watch ---------------------------------------------------------------

TEST_F(ControlTest, AWatchHasTheEventsFromNowOn) {
  pool_->MarkUnhealthy(kOtherIp);
  const auto watch = pool_->Watch();
  EXPECT_FALSE(watch->TryNext().has_value());
  pool_->MarkUnhealthy(kIp);
  const auto event = watch->TryNext();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->who, kIp);
  EXPECT_EQ(event->sequence, 2u);
  EXPECT_FALSE(watch->Next(absl::Milliseconds(1)).has_value());
  EXPECT_EQ(watch->lost(), 0u);
}

TEST_F(ControlTest, AWatchThatIsNotEmptiedLosesItsOldestEvents) {
  const auto watch = pool_->Watch(2);
  for (int i = 0; i < 5; ++i) {
    pool_->MarkUnhealthy(absl::StrCat("10.0.0.", i, ":80"));
  }
  EXPECT_EQ(watch->lost(), 3u);
  EXPECT_EQ(watch->TryNext()->sequence, 4u);
  EXPECT_EQ(watch->TryNext()->sequence, 5u);
  EXPECT_FALSE(watch->TryNext().has_value());
}

TEST_F(ControlTest, AWatchOutlivesItsPoolAndEndsWithItsDestructor) {
  auto watch = pool_->Watch();
  const auto other = pool_->Watch();
  watch.reset();
  pool_->MarkUnhealthy(kIp);
  pool_.reset();
  EXPECT_TRUE(other->TryNext().has_value());
}

TEST_F(ControlTest, AThreadThatWaitsIsWoken) {
  const auto watch = pool_->Watch();
  absl::optional<PoolEvent> event;
  std::thread reader([&]() { event = watch->Next(absl::Seconds(60)); });
  pool_->MarkUnhealthy(kIp);
  reader.join();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->who, kIp);
}

}  // namespace
}  // namespace multi_backend

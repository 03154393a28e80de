#include "multi_backend/lb_policy/backends/pool.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "multi_backend/clock/steady_clock.h"
#include "multi_backend/clock/steady_now.h"
#include "multi_backend/lb_policy/backends/flags.h"

namespace multi_backend {
namespace {

using LeasePtr = std::unique_ptr<BackendPool::Lease>;

std::string Addresses(const std::vector<BackendSnapshot>& snapshots) {
  return absl::StrJoin(snapshots, " ",
                       [](std::string* out, const BackendSnapshot& snapshot) {
                         absl::StrAppend(out, snapshot.address);
                       });
}

// All that channels list; absent_test.cc is about the others.
std::vector<BackendSnapshot> Listed(const BackendPool& pool) {
  std::vector<BackendSnapshot> listed;
  for (BackendSnapshot& backend : pool.GetAllBackends()) {
    if (!backend.absent) listed.push_back(std::move(backend));
  }
  return listed;
}
std::string All(const BackendPool& pool) { return Addresses(Listed(pool)); }
std::string Healthy(const BackendPool& pool) {
  return Addresses(pool.GetHealthyBackends());
}

BackendSnapshot Only(const BackendPool& pool) {
  const auto all = Listed(pool);
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? BackendSnapshot() : all[0];
}

bool Usable(const LeasePtr& lease) { return lease->backend()->load.usable(); }

// --- Marks ------------------------------------------------------------------

struct MarkCase {
  const char* name;
  const char* marked;
  const char* still_healthy;
};

// Each row marks one address or name among the backends 1:1 (named db:1), 2:1
// (named db:1), 2:1 (named 2:1) and 3:1 (named web:1).
const MarkCase kMarkCases[] = {
    {"AnAddressOfOneBackend", "1:1", "2:1 2:1 3:1"},
    {"AnAddressUnderAllItsNames", "2:1", "1:1 3:1"},
    {"ANameWithAllItsAddresses", "db:1", "2:1 3:1"},
    {"ANameWithOneAddress", "web:1", "1:1 2:1 2:1"},
    {"NothingForAnUnknownAddress", "4:1", "1:1 2:1 2:1 3:1"},
    {"NothingForAPrefix", "db", "1:1 2:1 2:1 3:1"},
    {"NothingForAnotherPort", "1:2", "1:1 2:1 2:1 3:1"},
    {"NothingForNoAddress", "", "1:1 2:1 2:1 3:1"},
};

class MarkReachesTest : public ::testing::TestWithParam<MarkCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, MarkReachesTest,
                         ::testing::ValuesIn(kMarkCases),
                         [](const ::testing::TestParamInfo<MarkCase>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(MarkReachesTest, AndLiftingItReachesTheSame) {
  auto pool = BackendPool::Create();
  std::vector<LeasePtr> leases;
  leases.push_back(pool->Acquire("1:1", "db:1"));
  leases.push_back(pool->Acquire("2:1", "db:1"));
  leases.push_back(pool->Acquire("2:1", "2:1"));
  leases.push_back(pool->Acquire("3:1", "web:1"));
  const std::string everybody = "1:1 2:1 2:1 3:1";
  ASSERT_EQ(Healthy(*pool), everybody);

  pool->MarkUnhealthy(GetParam().marked);
  EXPECT_EQ(All(*pool), everybody);
  EXPECT_EQ(Healthy(*pool), GetParam().still_healthy);
  int usable = 0;
  for (const LeasePtr& lease : leases) {
    usable += Usable(lease);
    EXPECT_EQ(Usable(lease), lease->UnusableReason().empty());
  }
  EXPECT_EQ(usable, static_cast<int>(pool->GetHealthyBackends().size()));

  pool->MarkHealthy(GetParam().marked);
  EXPECT_EQ(Healthy(*pool), everybody);
  for (const LeasePtr& lease : leases) EXPECT_TRUE(Usable(lease));
}

TEST(BackendPoolTest, AMarkActsOnTheFlagThatPicksReadBeforeItReturns) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  LoadStats& load = lease->backend()->load;
  EXPECT_EQ(load.unusable_reasons.load(), 0u);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(load.unusable_reasons.load(), kMarkedUnhealthy);
  pool->MarkHealthy("1:1");
  EXPECT_EQ(load.unusable_reasons.load(), 0u);
}

TEST(BackendPoolTest, AMarkLeavesOtherReasonsOfTheFlagAlone) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  LoadStats& load = lease->backend()->load;
  constexpr uint32_t kOther = kAtLimit;
  load.unusable_reasons.store(kOther);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(load.unusable_reasons.load(), kOther | kMarkedUnhealthy);
  pool->MarkHealthy("1:1");
  EXPECT_EQ(load.unusable_reasons.load(), kOther);
}

TEST(BackendPoolTest, LiftingAMarkBeginsANewTimeOfBeingUsable) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  LoadStats& load = lease->backend()->load;
  pool->MarkHealthy("1:1");  // It was not marked.
  EXPECT_EQ(load.usable_since_nanos.load(), INT64_MIN);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(load.usable_since_nanos.load(), INT64_MIN);
  const int64_t before = SteadyClock::Get().NowNanos();
  pool->MarkHealthy("1:1");
  EXPECT_GE(load.usable_since_nanos.load(), before);
  EXPECT_LE(load.usable_since_nanos.load(), SteadyClock::Get().NowNanos());
}

// --- States, reasons, times -------------------------------------------------

enum class Event {
  kMark,       // "a"
  kMarkAgain,  // "b"
  kUnmark,     // "c"
  kFail,       // "refused"
  kFailAgain,  // "reset"
  kConnect,
};

struct ReasonCase {
  const char* name;
  std::vector<Event> events;
  BackendState state;
  const char* reason;
  bool moved;  // Whether the last event changed the state, and so `since`.
};

const ReasonCase kReasonCases[] = {
    {"ANewBackendIsAliveWithoutAReason", {}, BackendState::kAlive, "", false},
    {"AMarkIsAReason",
     {Event::kMark},
     BackendState::kDown,
     "marked unhealthy: a",
     true},
    {"TheFirstMarkStays",
     {Event::kMark, Event::kMarkAgain},
     BackendState::kDown,
     "marked unhealthy: a",
     false},
    {"ALiftedMarkIsAReason",
     {Event::kMark, Event::kUnmark},
     BackendState::kAlive,
     "marked healthy: c",
     true},
    {"MarkingAHealthyOneHealthyIsNoEvent",
     {Event::kUnmark},
     BackendState::kAlive,
     "",
     false},
    {"AMarkLiftedTwiceIsOneEvent",
     {Event::kMark, Event::kUnmark, Event::kUnmark},
     BackendState::kAlive,
     "marked healthy: c",
     false},
    {"AFailureToConnectIsAReason",
     {Event::kFail},
     BackendState::kDown,
     "refused",
     true},
    {"TheNewestFailureIsTheReason",
     {Event::kFail, Event::kFailAgain},
     BackendState::kDown,
     "reset",
     false},
    {"TheFirstConnectionChangesNothing",
     {Event::kConnect},
     BackendState::kAlive,
     "",
     false},
    {"AConnectionAfterAFailureIsAReason",
     {Event::kFail, Event::kConnect},
     BackendState::kAlive,
     "connected",
     true},
    {"ALaterFailureCountsAgain",
     {Event::kFail, Event::kConnect, Event::kFailAgain},
     BackendState::kDown,
     "reset",
     true},
    {"AMarkOutranksAFailureBeforeIt",
     {Event::kFail, Event::kMark},
     BackendState::kDown,
     "marked unhealthy: a",
     false},
    {"AMarkOutranksAFailureAfterIt",
     {Event::kMark, Event::kFail},
     BackendState::kDown,
     "marked unhealthy: a",
     false},
    {"AConnectionDoesNotLiftAMark",
     {Event::kMark, Event::kFail, Event::kConnect},
     BackendState::kDown,
     "marked unhealthy: a",
     false},
    {"LiftingAMarkDoesNotConnect",
     {Event::kMark, Event::kFail, Event::kUnmark},
     BackendState::kDown,
     "refused",
     false},
    {"BothGone",
     {Event::kMark, Event::kFail, Event::kUnmark, Event::kConnect},
     BackendState::kAlive,
     "connected",
     true},
};

class ReasonTest : public ::testing::TestWithParam<ReasonCase> {};

INSTANTIATE_TEST_SUITE_P(Cases, ReasonTest, ::testing::ValuesIn(kReasonCases),
                         [](const ::testing::TestParamInfo<ReasonCase>& info) {
                           return std::string(info.param.name);
                         });

void Apply(Event event, BackendPool& pool, const LeasePtr& lease) {
  switch (event) {
    case Event::kMark:
      return pool.MarkUnhealthy("1:1", "a");
    case Event::kMarkAgain:
      return pool.MarkUnhealthy("1:1", "b");
    case Event::kUnmark:
      return pool.MarkHealthy("1:1", "c");
    case Event::kFail:
      return lease->SetLinkState(LinkState::kFailed, "refused");
    case Event::kFailAgain:
      return lease->SetLinkState(LinkState::kFailed, "reset");
    case Event::kConnect:
      return lease->SetLinkState(LinkState::kReady);
  }
}

TEST_P(ReasonTest, Holds) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  BackendSnapshot before = Only(*pool);
  absl::Time last_event;
  for (const Event event : GetParam().events) {
    before = Only(*pool);
    last_event = SteadyNow();
    Apply(event, *pool, lease);
  }
  const BackendSnapshot after = Only(*pool);
  EXPECT_EQ(after.state, GetParam().state);
  EXPECT_EQ(after.healthy, after.state == BackendState::kAlive);
  EXPECT_EQ(after.reason, GetParam().reason);
  EXPECT_EQ(before.state != after.state, GetParam().moved);
  if (GetParam().moved) {
    EXPECT_GE(after.since, last_event);
    EXPECT_LE(after.since, SteadyNow());
  } else {
    EXPECT_EQ(after.since, before.since);
  }
}

TEST(BackendPoolTest, AnEmptyErrorIsAFailureToo) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  lease->SetLinkState(LinkState::kFailed, "");
  EXPECT_EQ(Only(*pool).state, BackendState::kDown);
  lease->SetLinkState(LinkState::kReady);
  EXPECT_EQ(Only(*pool).state, BackendState::kAlive);
}

TEST(BackendPoolTest, ASnapshotShowsWhatDiscoverySaysAndWhatCallsCounted) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("10.0.0.1:50051", "db:50051");
  BackendSnapshot snapshot = Only(*pool);
  EXPECT_EQ(snapshot.address, "10.0.0.1:50051");
  EXPECT_EQ(snapshot.name, "db:50051");
  EXPECT_EQ(snapshot.role, "");
  EXPECT_EQ(snapshot.since, absl::InfinitePast());

  Endpoint endpoint = Endpoint::Of("db", 50051).WithWeight(7);
  endpoint.role = "primary";
  endpoint.zone = "eu";
  lease->SetEndpoint(std::make_shared<const Endpoint>(endpoint));
  Backend& backend = *lease->backend();
  backend.load.in_flight = 3;
  backend.calls = 11;
  backend.failures = 5;
  backend.retries_landed = 2;
  snapshot = Only(*pool);
  EXPECT_EQ(snapshot.role, "primary");
  EXPECT_EQ(snapshot.zone, "eu");
  EXPECT_EQ(snapshot.weight, 7u);
  EXPECT_EQ(snapshot.in_flight, 3);
  EXPECT_EQ(snapshot.calls, 11u);
  EXPECT_EQ(snapshot.failures, 5u);
  EXPECT_EQ(snapshot.retries_landed, 2u);
}

TEST(BackendPoolTest, BackendsAreListedByAddress) {
  auto pool = BackendPool::Create();
  std::vector<LeasePtr> leases;
  for (const char* address : {"3:1", "1:1", "2:1"}) {
    leases.push_back(pool->Acquire(address, address));
  }
  EXPECT_EQ(All(*pool), "1:1 2:1 3:1");
}

TEST(BackendPoolTest, StatesHaveNames) {
  EXPECT_EQ(StateName(BackendState::kAlive), "ALIVE");
  EXPECT_EQ(StateName(BackendState::kOverloaded), "OVERLOADED");
  EXPECT_EQ(StateName(BackendState::kDown), "DOWN");
  EXPECT_EQ(StateName(BackendState::kDownRetry), "DOWN_RETRY");
}

// --- Identity ---------------------------------------------------------------

TEST(BackendTest, IdsAreUniqueAndHashesFollowTheIdentityAlone) {
  auto pool = BackendPool::Create();
  auto other_pool = BackendPool::Create();
  const LeasePtr a = pool->Acquire("1:1", "db:1");
  const LeasePtr b = pool->Acquire("1:1", "1:1");
  const LeasePtr c = pool->Acquire("2:1", "db:1");
  const LeasePtr same_as_a = other_pool->Acquire("1:1", "db:1");
  EXPECT_NE(a->backend()->hash(), b->backend()->hash());
  EXPECT_NE(a->backend()->hash(), c->backend()->hash());
  EXPECT_EQ(a->backend()->hash(), same_as_a->backend()->hash());
  EXPECT_NE(a->backend()->id(), same_as_a->backend()->id());
}

TEST(BackendTest, HashesAreTheSameInEveryRelease) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("10.0.0.1:50051", "db:50051");
  // XXH64 of "10.0.0.1:50051\ndb:50051", computed by another implementation.
  EXPECT_EQ(lease->backend()->hash(), 0x5ac6e0d1f121e9fau);
}

TEST(BackendTest, ABackendLivesAsLongAsAnyoneCountsOnIt) {
  auto pool = BackendPool::Create();
  LeasePtr lease = pool->Acquire("1:1", "1:1");
  BackendRef held = lease->backend();
  lease.reset();
  pool.reset();
  BackendRef copy = held;
  BackendRef moved = std::move(held);
  EXPECT_FALSE(held);  // NOLINT: that a moved-from one is empty is the point.
  held = moved;
  moved = BackendRef();
  BackendRef& itself = copy;
  copy = itself;
  EXPECT_EQ(held.get(), copy.get());
  copy = BackendRef();
  EXPECT_EQ(held->address(), "1:1");  // The address sanitizer checks this.
}

// --- The limit of calls -----------------------------------------------------

TEST(BackendLimitTest, ACallThatFindsNoRoomIsNotCounted) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  Backend& backend = *lease->backend();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(backend.TryBeginCall());
  EXPECT_EQ(backend.load.in_flight.load(), 5) << "there is no limit";
  backend.SetLimit(5);
  EXPECT_FALSE(backend.TryBeginCall());
  EXPECT_EQ(backend.load.in_flight.load(), 5);
  EXPECT_EQ(backend.load.unusable_reasons.load(), kAtLimit);
  backend.EndCall();
  EXPECT_TRUE(backend.load.usable());
  EXPECT_TRUE(backend.TryBeginCall());
  EXPECT_FALSE(backend.load.usable());
}

TEST(BackendLimitTest, CallsThatBeginAtOnceNeverExceedIt) {
  constexpr int kThreads = 8;
  constexpr int kTriesEach = 100'000;
  constexpr int kLimit = 3;
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  Backend& backend = *lease->backend();
  backend.SetLimit(kLimit);
  std::atomic<int> running{0};
  std::atomic<int> too_many{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTriesEach; ++i) {
        if (!backend.TryBeginCall()) continue;
        if (running.fetch_add(1) >= kLimit) ++too_many;
        running.fetch_sub(1);
        backend.EndCall();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(too_many.load(), 0);
  EXPECT_EQ(backend.load.in_flight.load(), 0);
  EXPECT_TRUE(backend.load.usable());
}

// --- Leases -----------------------------------------------------------------

TEST(LeaseTest, ABackendLeavesThePoolWithItsLastUser) {
  auto pool = BackendPool::Create();
  LeasePtr first = pool->Acquire("1:1", "1:1");
  LeasePtr second = pool->Acquire("1:1", "1:1");
  const LeasePtr other = pool->Acquire("2:1", "2:1");
  EXPECT_EQ(All(*pool), "1:1 2:1");
  first.reset();
  EXPECT_EQ(All(*pool), "1:1 2:1");
  second.reset();
  EXPECT_EQ(All(*pool), "2:1");
}

TEST(LeaseTest, ABackendThatComesBackHasItsMarkButNoError) {
  auto pool = BackendPool::Create();
  LeasePtr lease = pool->Acquire("1:1", "1:1");
  lease->SetLinkState(LinkState::kFailed, "refused");
  lease.reset();
  lease = pool->Acquire("1:1", "1:1");
  EXPECT_EQ(Only(*pool).state, BackendState::kAlive);
  EXPECT_EQ(Only(*pool).reason, "");
  lease->SetLinkState(LinkState::kFailed, "refused");
  pool->MarkUnhealthy("1:1", "a");
  lease.reset();
  lease = pool->Acquire("1:1", "1:1");
  EXPECT_FALSE(Usable(lease));
  EXPECT_EQ(Only(*pool).reason, "marked unhealthy: a");
  pool->MarkHealthy("1:1");
  EXPECT_EQ(Only(*pool).state, BackendState::kAlive);
}

TEST(LeaseTest, TwoChannelsShareOneBackendsHealthAndCounters) {
  auto pool = BackendPool::Create();
  const LeasePtr first = pool->Acquire("1:1", "db:1");
  const LeasePtr second = pool->Acquire("1:1", "db:1");
  EXPECT_EQ(first->backend().get(), second->backend().get());
  EXPECT_EQ(All(*pool), "1:1");
  pool->MarkUnhealthy("1:1", "both");
  EXPECT_FALSE(Usable(first));
  EXPECT_FALSE(Usable(second));
  EXPECT_EQ(second->UnusableReason(), "marked unhealthy: both");
  first->backend()->calls.fetch_add(1);
  second->backend()->calls.fetch_add(1);
  EXPECT_EQ(Only(*pool).calls, 2u);
}

TEST(LeaseTest, OneThatJoinsAMarkedBackendSeesTheMark) {
  auto pool = BackendPool::Create();
  const LeasePtr first = pool->Acquire("1:1", "1:1");
  pool->MarkUnhealthy("1:1", "x");
  const LeasePtr second = pool->Acquire("1:1", "1:1");
  EXPECT_FALSE(Usable(second));
  EXPECT_EQ(second->UnusableReason(), "marked unhealthy: x");
}

TEST(LeaseTest, ALeaseKeepsItsPool) {
  auto pool = BackendPool::Create();
  std::weak_ptr<BackendPool> weak = pool;
  LeasePtr lease = pool->Acquire("1:1", "1:1");
  pool.reset();
  EXPECT_NE(weak.lock(), nullptr);
  lease.reset();
  EXPECT_EQ(weak.lock(), nullptr);
}

// Each of two channels has not tried, has failed or is connected.  Then one of
// them may leave.
enum class Tried { kNot, kFailed, kConnected };

void Report(Tried tried, BackendPool::Lease& lease) {
  if (tried == Tried::kFailed) {
    lease.SetLinkState(LinkState::kFailed, "refused");
  }
  if (tried == Tried::kConnected) lease.SetLinkState(LinkState::kReady);
}

bool DownBy(std::initializer_list<Tried> users) {
  bool failed = false;
  bool connected = false;
  for (const Tried user : users) {
    failed |= user == Tried::kFailed;
    connected |= user == Tried::kConnected;
  }
  return failed && !connected;
}

TEST(LeaseTest, ABackendIsDownWhenOneChannelFailsAndNoneIsConnected) {
  constexpr Tried kAll[] = {Tried::kNot, Tried::kFailed, Tried::kConnected};
  for (const Tried a_before : kAll) {
    for (const Tried a : kAll) {
      for (const Tried b : kAll) {
        if (a == Tried::kNot && a_before != Tried::kNot) continue;
        SCOPED_TRACE(absl::StrCat(static_cast<int>(a_before), " then ",
                                  static_cast<int>(a), ", other ",
                                  static_cast<int>(b)));
        auto pool = BackendPool::Create();
        const LeasePtr first = pool->Acquire("1:1", "1:1");
        LeasePtr second = pool->Acquire("1:1", "1:1");
        Report(a_before, *first);
        Report(b, *second);
        Report(a, *first);
        EXPECT_EQ(Healthy(*pool).empty(), DownBy({a, b}));
        // Reporting the same again counts once.
        Report(b, *second);
        EXPECT_EQ(Healthy(*pool).empty(), DownBy({a, b}));
        second.reset();
        EXPECT_EQ(Healthy(*pool).empty(), DownBy({a}));
      }
    }
  }
}

TEST(LeaseTest, AnErrorOfAChannelThatIsGoneDoesNotStay) {
  auto pool = BackendPool::Create();
  const LeasePtr stays = pool->Acquire("1:1", "1:1");
  LeasePtr goes = pool->Acquire("1:1", "1:1");
  goes->SetLinkState(LinkState::kFailed, "refused");
  ASSERT_EQ(Only(*pool).reason, "refused");
  goes.reset();
  EXPECT_EQ(Only(*pool).state, BackendState::kAlive);
  EXPECT_EQ(Only(*pool).reason, "the channel that could not connect is gone");
}

// --- Watches ----------------------------------------------------------------

TEST(WatchTest, HearsOfEachBackendThatAMarkChangesOnce) {
  auto pool = BackendPool::Create();
  std::vector<LeasePtr> leases;
  for (const char* address : {"1:1", "2:1", "3:1"}) {
    leases.push_back(pool->Acquire(address, "db:1"));
  }
  int calls = 0;
  pool->events()->AddWatch([&calls]() { ++calls; });
  pool->MarkHealthy("4:1");
  EXPECT_EQ(calls, 0) << "unknown address";
  pool->MarkHealthy("1:1");
  EXPECT_EQ(calls, 0) << "was healthy";
  pool->MarkUnhealthy("db:1");
  EXPECT_EQ(calls, 3);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(calls, 3) << "was marked";
  pool->MarkHealthy("2:1");
  EXPECT_EQ(calls, 4);
  pool->MarkUnhealthy("4:1");
  EXPECT_EQ(calls, 5) << "of an absent backend, too";
  leases[0]->SetLinkState(LinkState::kFailed, "refused");
  leases[0]->SetLinkState(LinkState::kReady);
  leases.pop_back();
  EXPECT_EQ(calls, 5) << "not a mark";
}

TEST(WatchTest, SeesTheChangeThatItHearsOf) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  std::string seen;
  pool->events()->AddWatch(
      [&]() { absl::StrAppend(&seen, Usable(lease) ? "+" : "-"); });
  pool->MarkUnhealthy("1:1");
  pool->MarkHealthy("1:1");
  EXPECT_EQ(seen, "-+");
}

TEST(WatchTest, MayCallBackIntoThePool) {
  auto pool = BackendPool::Create();
  LeasePtr lease = pool->Acquire("1:1", "1:1");
  PoolEvents::WatchId id = 0;
  int calls = 0;
  id = pool->events()->AddWatch([&]() {
    ++calls;
    EXPECT_EQ(All(*pool), "1:1");
    EXPECT_EQ(lease->UnusableReason().empty(), Usable(lease));
    lease->SetLinkState(LinkState::kFailed, "refused");
    EXPECT_NE(pool->Acquire("2:1", "2:1"), nullptr);
    pool->events()->AddWatch([]() {});
    if (calls == 1) {
      pool->MarkHealthy("1:1");  // This calls the watch from within itself.
    } else {
      pool->events()->RemoveWatch(id);
    }
  });
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(calls, 2);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(calls, 2);
}

TEST(WatchTest, IsNotCalledAfterItsRemoval) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  int first_calls = 0;
  int second_calls = 0;
  const auto first = pool->events()->AddWatch([&]() { ++first_calls; });
  const auto second = pool->events()->AddWatch([&]() { ++second_calls; });
  EXPECT_NE(first, second);
  pool->events()->RemoveWatch(first);
  pool->events()->RemoveWatch(first);  // A second removal is a no-op.
  pool->events()->RemoveWatch(12345);
  pool->MarkUnhealthy("1:1");
  EXPECT_EQ(first_calls, 0);
  EXPECT_EQ(second_calls, 1);
}

TEST(WatchTest, WhatARemovedWatchHeldMayUseThePoolAsItGoes) {
  auto pool = BackendPool::Create();
  std::shared_ptr<BackendPool::Lease> lease = pool->Acquire("1:1", "1:1");
  const auto id = pool->events()->AddWatch([lease]() {});
  lease.reset();
  EXPECT_EQ(All(*pool), "1:1");
  pool->events()->RemoveWatch(id);
  EXPECT_EQ(All(*pool), "");
}

// --- Threads ----------------------------------------------------------------

TEST(BackendPoolThreadsTest, EverythingAtOnceEndsConsistent) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 500;
  auto pool = BackendPool::Create();
  const LeasePtr lasting = pool->Acquire("0:1", "db:1");
  std::atomic<int> heard{0};
  pool->events()->AddWatch([&heard]() { heard.fetch_add(1); });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &pool, &heard]() {
      for (int i = 0; i < kRounds; ++i) {
        const std::string address = absl::StrCat((t + i) % 4, ":1");
        const LeasePtr lease = pool->Acquire(address, "db:1");
        const auto watch =
            pool->events()->AddWatch([&heard]() { heard.fetch_add(1); });
        lease->backend()->calls.fetch_add(1);
        lease->SetEndpoint(
            std::make_shared<const Endpoint>(Endpoint::Of("db", 1)));
        switch ((t * 7 + i) % 6) {
          case 0:
            pool->MarkUnhealthy(address, "stress");
            break;
          case 1:
            pool->MarkHealthy("db:1", "stress");
            break;
          case 2:
            lease->SetLinkState(LinkState::kFailed, "stress");
            break;
          case 3:
            lease->SetLinkState(LinkState::kReady);
            break;
          case 4:
            EXPECT_LE(pool->GetHealthyBackends().size(), 4u);
            break;
          case 5:
            EXPECT_GE(pool->GetAllBackends().size(), 1u);
            EXPECT_LE(lease->UnusableReason(), "marked unhealthy: stress");
            break;
        }
        pool->events()->RemoveWatch(watch);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(heard.load(), 0);
  // Only the lasting backend is left, and only marks can keep it down.
  const BackendSnapshot left = Only(*pool);
  EXPECT_EQ(left.address, "0:1");
  EXPECT_EQ(left.calls, uint64_t{kThreads} * kRounds / 4);
  EXPECT_EQ(Usable(lasting), left.healthy);
  pool->MarkHealthy("0:1");
  EXPECT_EQ(Healthy(*pool), "0:1");
  EXPECT_TRUE(Usable(lasting));
}

// Whatever the order of concurrent marks, the flag and the snapshot agree.
TEST(BackendPoolThreadsTest, ConcurrentMarksLeaveFlagAndSnapshotInAgreement) {
  auto pool = BackendPool::Create();
  const LeasePtr lease = pool->Acquire("1:1", "1:1");
  for (int round = 0; round < 200; ++round) {
    std::thread down([&pool]() { pool->MarkUnhealthy("1:1"); });
    std::thread up([&pool]() { pool->MarkHealthy("1:1"); });
    down.join();
    up.join();
    ASSERT_EQ(Usable(lease), Only(*pool).healthy);
    ASSERT_EQ(Usable(lease), lease->UnusableReason().empty());
  }
}

}  // namespace
}  // namespace multi_backend

#include "multi_backend/health/health_checked_endpoint_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/health/timers/timer_queue.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/dynamic_endpoint_group.h"
#include "multi_backend/resolver/groups/fallback_endpoint_group.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/tests/testing/event.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace multi_backend {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Long enough for several rounds of probes in any state.
constexpr absl::Duration kLong = absl::Seconds(30);

class TestGroup final : public DynamicEndpointGroup {
 public:
  using DynamicEndpointGroup::SetEndpoints;
  using DynamicEndpointGroup::SetError;
  void RequestRefresh() override { ++refreshes; }
  bool names_are_configured() const override { return configured; }

  int closes = 0;
  int refreshes = 0;
  bool configured = true;

 protected:
  std::string Name() const override { return "test:///"; }
  void OnClose() override { ++closes; }
};

// What each host answers, and how often it has been probed.
struct Hosts {
  std::map<std::string, bool> healthy;  // Unlisted hosts are unhealthy.
  std::map<std::string, int> probes;
  std::string why_unhealthy = "ill";
};

class FakeProbe final : public Probe {
 public:
  FakeProbe(std::shared_ptr<Hosts> hosts, std::string host)
      : hosts_(std::move(hosts)), host_(std::move(host)) {
    ++hosts_->probes[host_];
  }
  ~FakeProbe() override { --hosts_->probes[host_]; }
  void Start(absl::Duration, Done done) override {
    const bool healthy = hosts_->healthy[host_];
    done({healthy, healthy ? "fine" : hosts_->why_unhealthy});
  }

 private:
  const std::shared_ptr<Hosts> hosts_;
  const std::string host_;
};

class FakeFactory final : public ProbeFactory {
 public:
  explicit FakeFactory(std::shared_ptr<Hosts> hosts)
      : hosts_(std::move(hosts)) {}
  std::unique_ptr<Probe> Make(const Endpoint& endpoint,
                              absl::string_view address) const override {
    EXPECT_EQ(address, endpoint.address());
    return std::make_unique<FakeProbe>(hosts_, endpoint.host);
  }

 private:
  const std::shared_ptr<Hosts> hosts_;
};

Endpoint At(absl::string_view host) { return Endpoint::Of(host, 1); }

std::string HostsOf(const EndpointList& list) {
  std::string hosts;
  for (const Endpoint& endpoint : list) hosts += endpoint.host;
  return hosts;
}

class HealthCheckedTest : public ::testing::Test {
 protected:
  void Start(WhenAllUnhealthy when_all_unhealthy =
                 WhenAllUnhealthy::kKeepLastHealthy) {
    HealthCheckedOptions options;
    options.config.interval = absl::Seconds(1);
    options.config.unhealthy_after = 3;
    options.config.healthy_after = 2;
    options.when_all_unhealthy = when_all_unhealthy;
    options.timers = timers_;
    options.publisher = timers_;
    options.seed = 1;
    group_ = HealthCheckedEndpointGroup(
        inner_, std::make_shared<FakeFactory>(hosts_), options);
    watch_ = group_->Watch([this](std::shared_ptr<const EndpointList> list) {
      seen_.push_back(HostsOf(*list));
    });
  }

  void TearDown() override {
    watch_.reset();
    group_.reset();
    EXPECT_EQ(timers_->pending(), 0u);
    EXPECT_EQ(timers_.use_count(), 1);
  }

  void SetHealthy(const std::string& hosts) {
    for (auto& entry : hosts_->healthy) entry.second = false;
    for (char host : hosts) hosts_->healthy[std::string(1, host)] = true;
  }

  // All endpoints get the same number of results, give or take one.
  void Run(absl::Duration duration = kLong) { timers_->Advance(duration); }
  std::string Now() { return HostsOf(*group_->endpoints()); }
  std::string AwaitText() {
    return std::string(
        group_->AwaitInitialEndpoints(absl::ZeroDuration()).message());
  }

  const std::shared_ptr<VirtualTimers> timers_ =
      std::make_shared<VirtualTimers>();
  const std::shared_ptr<Hosts> hosts_ = std::make_shared<Hosts>();
  const std::shared_ptr<TestGroup> inner_ = std::make_shared<TestGroup>();
  std::shared_ptr<EndpointGroup> group_;
  std::vector<std::string>
      seen_;  // The lists that the watch got; "ab" = hosts a and b.
  std::unique_ptr<EndpointGroup::Subscription> watch_;
};

TEST_F(HealthCheckedTest, AnEndpointCountsAfterItsFirstSuccessfulProbe) {
  inner_->SetEndpoints({At("a"), At("b"), At("c")});
  SetHealthy("ac");
  Start();
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(Now(), "");
  Run(absl::Milliseconds(100));
  EXPECT_EQ(Now(), "ac");
  Run();
  SetHealthy("abc");
  Run();
  EXPECT_EQ(Now(), "abc") << "in the order of the inner list";
}

TEST_F(HealthCheckedTest, ItTakesTheThresholdsToLeaveAndToComeBack) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("ab");
  Start();
  Run();
  EXPECT_EQ(Now(), "ab");
  seen_.clear();
  SetHealthy("a");
  Run(absl::Milliseconds(1100));  // One or two failures.
  EXPECT_THAT(seen_, IsEmpty());
  Run();
  EXPECT_THAT(seen_, ElementsAre("a"));
  SetHealthy("ab");
  Run();
  EXPECT_THAT(seen_, ElementsAre("a", "ab"));
}

// One probe in three fails, so there are never three failures in a row.
TEST_F(HealthCheckedTest, SingleFailuresChangeNothing) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("ab");
  Start();
  Run(absl::Seconds(10));
  seen_.clear();
  for (int i = 0; i < 20; ++i) {
    SetHealthy("b");
    Run(absl::Milliseconds(900));  // At most two probes, at half the interval.
    SetHealthy("ab");
    Run(absl::Seconds(3));
  }
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(HealthCheckedTest, WhenAllAreUnhealthyTheLastHealthyOnesStay) {
  inner_->SetEndpoints({At("a"), At("b"), At("c")});
  SetHealthy("ab");
  Start();
  Run();
  EXPECT_EQ(Now(), "ab");
  SetHealthy("");
  Run();
  // The hosts a and b became unhealthy one after the other.
  EXPECT_EQ(Now().size(), 1u);
  const std::string last = Now();
  EXPECT_EQ(group_->last_error().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(group_->last_error().message(),
              AllOf(HasSubstr("no endpoint is healthy: 0 of 3 healthy"),
                    HasSubstr("a:1: ill"), HasSubstr("c:1: ill")));
  SetHealthy("c");
  Run();
  EXPECT_EQ(Now(), "c");
  EXPECT_TRUE(group_->last_error().ok());
}

TEST_F(HealthCheckedTest, TheEmptyListIsPublishedOnDemand) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("a");
  Start(WhenAllUnhealthy::kPublishEmpty);
  Run();
  SetHealthy("");
  Run();
  SetHealthy("b");
  Run();
  EXPECT_THAT(seen_, ElementsAre("a", "", "b"));
}

TEST_F(HealthCheckedTest, AStandByTakesOverFromAnEmptyList) {
  inner_->SetEndpoints({At("a")});
  SetHealthy("a");
  Start(WhenAllUnhealthy::kPublishEmpty);
  const auto both = OrElse(group_, *StaticEndpointGroup::Make({At("z")}));
  Run();
  EXPECT_EQ(HostsOf(*both->endpoints()), "a");
  SetHealthy("");
  Run();
  EXPECT_EQ(HostsOf(*both->endpoints()), "z");
}

TEST_F(HealthCheckedTest, WhoWaitsForAFirstListIsToldThatThereIsNone) {
  inner_->SetEndpoints({At("a"), At("b")});
  Start();
  EXPECT_THAT(seen_, IsEmpty());
  Run();
  EXPECT_THAT(seen_, ElementsAre(""));
  EXPECT_EQ(group_->last_error().code(), absl::StatusCode::kUnavailable);
  SetHealthy("b");
  Run();
  EXPECT_THAT(seen_, ElementsAre("", "b"));
}

TEST_F(HealthCheckedTest, AChangedListIsProbedAnewWhereItIsNew) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("abc");
  Start();
  Run();
  EXPECT_EQ(hosts_->probes["a"], 1);
  inner_->SetEndpoints({At("c"), At("b").WithWeight(7)});
  EXPECT_EQ(Now(), "b") << "c is not known yet";
  EXPECT_EQ(group_->endpoints()->front().weight, 7u);
  Run(absl::Milliseconds(100));
  EXPECT_EQ(Now(), "cb");
  EXPECT_EQ(hosts_->probes["a"], 0);
  EXPECT_EQ(hosts_->probes["b"], 1);
  EXPECT_EQ(hosts_->probes["c"], 1);
}

// The addresses of endpoints that have left the list may belong to others.
TEST_F(HealthCheckedTest, EndpointsThatHaveLeftTheInnerListAreNotKept) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("ab");
  Start();
  Run();
  inner_->SetEndpoints({At("b"), At("c")});
  EXPECT_EQ(Now(), "b");
  inner_->SetEndpoints({At("c"), At("d")});
  EXPECT_EQ(Now(), "cd") << "not probed yet, but rather these than none";
  Run();
  EXPECT_EQ(Now(), "cd") << "both are unhealthy";
  inner_->SetEndpoints({At("d"), At("e")});
  EXPECT_EQ(Now(), "de");
  SetHealthy("d");
  Run();
  EXPECT_EQ(Now(), "d");
  inner_->SetEndpoints(EndpointList{});
  inner_->SetEndpoints({At("f")});
  EXPECT_EQ(Now(), "") << "after no list at all, the first probe decides";
  SetHealthy("f");
  Run();
  EXPECT_EQ(Now(), "f");
}

TEST_F(HealthCheckedTest, AnEmptyInnerListIsPublishedAsItIs) {
  SetHealthy("a");
  Start();
  inner_->SetEndpoints({At("a")});
  Run();
  inner_->SetEndpoints(EndpointList{});
  EXPECT_THAT(seen_, ElementsAre("a", ""));
}

TEST_F(HealthCheckedTest, TheWaitSaysWhatWasTried) {
  Start();
  EXPECT_THAT(AwaitText(),
              StartsWith("health-checked test:/// (0 of 0 healthy): no "));
  EndpointList list;
  for (int i = 0; i < 7; ++i) list.push_back(At(absl::StrCat("h", i)));
  inner_->SetEndpoints(list);
  EXPECT_THAT(
      AwaitText(),
      StartsWith(
          "health-checked test:/// (0 of 7 healthy; h0:1: not probed yet; "
          "h1:1: not probed yet; h2:1: not probed yet; h3:1: not probed yet; "
          "h4:1: not probed yet; and 2 more): no "));
  inner_->SetEndpoints({At("a")});
  Run();
  EXPECT_THAT(AwaitText(),
              StartsWith("health-checked test:/// (0 of 1 healthy; a:1: ill): "
                         "no endpoints after 0"));
  SetHealthy("a");
  Run();
  EXPECT_TRUE(group_->AwaitInitialEndpoints(absl::ZeroDuration()).ok());
}

TEST_F(HealthCheckedTest, WhatAServerSaysIsBoundedAndOnOneLine) {
  Start();
  hosts_->why_unhealthy = "\x1b[2J\nroot: " + std::string(10000, 'x');
  inner_->SetEndpoints({At("a")});
  Run();
  const std::string text = group_->Describe();
  EXPECT_THAT(text, HasSubstr("a:1: \\x1b[2J\\nroot: xxx"));
  EXPECT_THAT(text, HasSubstr("xxx..."));
  EXPECT_LT(text.size(), 400u) << text;
}

TEST_F(HealthCheckedTest, PassesOnWhatIsAboutTheInnerGroup) {
  Start();
  group_->RequestRefresh();
  EXPECT_EQ(inner_->refreshes, 1);
  EXPECT_TRUE(group_->names_are_configured());
  inner_->configured = false;
  EXPECT_FALSE(group_->names_are_configured());
  inner_->SetError(absl::UnavailableError("no answer"));
  EXPECT_EQ(group_->last_error(), absl::UnavailableError("no answer"));
}

TEST_F(HealthCheckedTest, CloseEndsTheProbesAndTheInnerGroup) {
  inner_->SetEndpoints({At("a")});
  SetHealthy("a");
  Start();
  Run();
  seen_.clear();
  group_->Close();
  group_->Close();
  EXPECT_EQ(inner_->closes, 1);
  EXPECT_EQ(timers_->pending(), 0u);
  EXPECT_EQ(hosts_->probes["a"], 0);
  SetHealthy("");
  Run();
  EXPECT_THAT(seen_, IsEmpty());
  EXPECT_EQ(Now(), "a") << "the last value stays";
}

TEST_F(HealthCheckedTest, DestroyingItEndsTheProbesAndLeavesTheInnerGroup) {
  inner_->SetEndpoints({At("a"), At("b")});
  Start();
  group_.reset();
  EXPECT_EQ(timers_->pending(), 0u);
  EXPECT_EQ(inner_->closes, 0);
  inner_->SetEndpoints({At("c")});
  EXPECT_EQ(hosts_->probes["c"], 0);
}

TEST_F(HealthCheckedTest, MayBeDestroyedByItsOwnCallback) {
  inner_->SetEndpoints({At("a"), At("b")});
  SetHealthy("ab");
  Start();
  watch_ = group_->Watch([this](auto) { group_.reset(); });
  Run();
  EXPECT_EQ(group_, nullptr);
  EXPECT_EQ(timers_->pending(), 0u);
  // The same must hold for a callback that a change of the inner list causes.
  inner_->SetEndpoints({At("a")});
  Start();
  Run();
  watch_ = group_->Watch([this](auto list) {
    if (list->empty()) group_.reset();
  });
  inner_->SetEndpoints(EndpointList{});
  EXPECT_EQ(group_, nullptr);
  Run();
  EXPECT_EQ(timers_->pending(), 0u);
}

class WellProbe final : public Probe {
 public:
  explicit WellProbe(std::atomic<int>* starts) : starts_(starts) {}
  void Start(absl::Duration, Done done) override {
    ++*starts_;
    done({true, ""});
  }

 private:
  std::atomic<int>* const starts_;
};

class WellFactory final : public ProbeFactory {
 public:
  std::unique_ptr<Probe> Make(const Endpoint&,
                              absl::string_view) const override {
    return std::make_unique<WellProbe>(&starts);
  }
  mutable std::atomic<int> starts{0};
};

// All probes of the process may share a thread, which a callback of the
// application must not hold up.
TEST(HealthCheckedThreadsTest, ACallbackThatBlocksMakesNoProbeLate) {
  const auto inner = std::make_shared<TestGroup>();
  const auto factory = std::make_shared<WellFactory>();
  HealthCheckedOptions options;
  options.config.interval = absl::Milliseconds(1);
  const auto blocked = HealthCheckedEndpointGroup(inner, factory, options);
  const auto other_factory = std::make_shared<WellFactory>();
  const auto other_inner = std::make_shared<TestGroup>();
  const auto other =
      HealthCheckedEndpointGroup(other_inner, other_factory, options);
  other_inner->SetEndpoints({At("a")});
  Event blocking, go_on;
  auto watch = blocked->Watch([&](auto) {
    blocking.Set();
    EXPECT_TRUE(go_on.Await());
  });
  // Either this thread calls back, or the one that publishes.
  std::thread setter([&] { inner->SetEndpoints({At("a")}); });
  ASSERT_TRUE(blocking.Await());
  for (const auto& probed : {factory, other_factory}) {
    const int before = probed->starts;
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (probed->starts < before + 20 && absl::Now() < end) {
      std::this_thread::yield();
    }
    EXPECT_GE(probed->starts, before + 20);
  }
  go_on.Set();
  setter.join();
  watch.reset();
}

// In real time and with real threads, lists change and groups are destroyed
// while probes end.
TEST(HealthCheckedThreadsTest, ChangesAndEndsDuringResults) {
  for (int round = 0; round < 200; ++round) {
    const auto inner = std::make_shared<TestGroup>();
    inner->SetEndpoints({At("a"), At("b")});
    HealthCheckedOptions options;
    options.config.interval = absl::Microseconds(50);
    options.timers = TimerQueue::Shared();
    const auto group = HealthCheckedEndpointGroup(
        inner, std::make_shared<WellFactory>(), options);
    Event any;
    const auto watch = group->Watch([&](auto list) {
      if (!list->empty()) any.Set();
    });
    inner->SetEndpoints({At("a"), At(round % 2 == 0 ? "b" : "c")});
    ASSERT_TRUE(any.Await());
    inner->SetEndpoints({At(round % 2 == 0 ? "c" : "a"), At("d")});
    if (round % 3 == 0) group->Close();
    inner->SetEndpoints({At("a")});
  }
}

}  // namespace
}  // namespace multi_backend

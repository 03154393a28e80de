#include "multi_backend/lb_policy/connections/sizing.h"

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Indices = std::vector<size_t>;

constexpr int64_t kNow = 100;
constexpr int64_t kIdle = 30;  // The idle timeout of all tests.
constexpr uint32_t kLimit = 2;

ConnectionPoolConfig Config(int min, int max) {
  ConnectionPoolConfig config;
  config.min = min;
  config.max = max;
  config.idle_timeout = absl::Nanoseconds(kIdle);
  config.max_streams_per_connection = kLimit;
  return config;
}

ConnectionView Connecting() { return {LinkState::kConnecting, 0, kNow}; }
ConnectionView Failed(uint32_t streams = 0, int64_t idle_for = 0) {
  return {LinkState::kFailed, streams, kNow - idle_for};
}
ConnectionView Busy(uint32_t streams) {
  return {LinkState::kReady, streams, kNow - 2 * kIdle};
}
ConnectionView Idle(int64_t idle_for) {
  return {LinkState::kReady, 0, kNow - idle_for};
}

struct PlanCase {
  const char* name;
  int min;
  int max;
  std::vector<ConnectionView> connections;
  bool open;
  Indices close;
  int64_t look_again = INT64_MAX;
};

const PlanCase kPlanCases[] = {
    {"NoneYet", 1, 4, {}, true, {}},
    {"TheFirstIsBeingConnected", 1, 4, {Connecting()}, false, {}},
    {"TheFirstIsNotFull", 1, 4, {Busy(1)}, false, {}},
    {"TheFirstIsFull", 1, 4, {Busy(2)}, true, {}},
    {"TheFirstIsMoreThanFull", 1, 4, {Busy(9)}, true, {}},
    {"OneOfTwoIsNotFull", 1, 4, {Busy(2), Busy(1)}, false, {}},
    {"AllAreFull", 1, 4, {Busy(2), Busy(2), Busy(3)}, true, {}},
    {"OneAtATime", 1, 4, {Busy(2), Connecting()}, false, {}},
    {"NoMoreThanMax", 1, 2, {Busy(2), Busy(2)}, false, {}},
    {"MinIsReachedWithoutCalls", 3, 4, {Idle(99)}, true, {}},
    {"MinIsReachedOneAtATime", 3, 4, {Idle(9), Connecting()}, false, {}},
    {"IdleOnesWithinMinStay", 2, 4, {Idle(99), Idle(99)}, false, {}},
    {"OneAboveMinIsClosed", 1, 4, {Idle(99), Idle(30)}, false, {1}},
    {"NotYet", 1, 4, {Busy(1), Idle(29)}, false, {}, kNow + 1},
    {"TheEarliestIsLookedAtNext",
     1,
     4,
     {Busy(1), Idle(9), Idle(28), Idle(27)},
     false,
     {},
     kNow + 2},
    {"TheNewestAreClosedFirst",
     1,
     4,
     {Idle(40), Idle(30), Busy(1), Idle(31)},
     false,
     {3, 1}},
    {"LiveStreamsAreNeverCut", 1, 4, {Idle(99), Busy(1)}, false, {}},
    {"DrainingIsNotClosed", 1, 4, {Busy(1), Failed(1, 99)}, false, {}},
    {"ADeadOneWithinMinStays", 1, 4, {Failed(0, 99)}, false, {}},
    {"ADeadOneAboveMinIsClosed", 1, 4, {Busy(1), Failed(0, 30)}, false, {1}},
    {"ADeadOneAboveMinIsClosedThoughCallsNeedIt",
     1,
     4,
     {Busy(2), Failed(0, 30)},
     false,
     {1}},
    {"ADeadOneAboveMinWaits",
     1,
     4,
     {Busy(1), Failed(0, 10)},
     false,
     {},
     kNow + 20},
    {"NoneIsOpenedBesideADeadOne", 2, 4, {Failed(), Busy(2)}, false, {}},
    {"ADeadBackendGetsNoMore", 1, 4, {Failed(9)}, false, {}},
};

TEST(ConnectionSizingTest, PlansAsTheTableSays) {
  for (const PlanCase& c : kPlanCases) {
    SCOPED_TRACE(c.name);
    const ConnectionPlan plan =
        PlanConnections(c.connections, Config(c.min, c.max), kNow);
    EXPECT_EQ(plan.open, c.open);
    EXPECT_EQ(Indices(plan.close.begin(), plan.close.end()), c.close);
    EXPECT_EQ(plan.look_again, c.look_again);
  }
}

TEST(ConnectionSizingTest, AnInfiniteIdleTimeoutClosesNothing) {
  ConnectionPoolConfig config = Config(1, 4);
  config.idle_timeout = absl::InfiniteDuration();
  const ConnectionPlan plan =
      PlanConnections({Idle(50), Idle(50)}, config, INT64_MAX - 1);
  EXPECT_TRUE(plan.close.empty());
  EXPECT_EQ(plan.look_again, INT64_MAX);
}

// Calls `visit` with every list of up to `size` connections, as far as lists
// differ in what a plan may depend on.
template <typename Visit>
void ForEachList(size_t size, std::vector<ConnectionView>& list, Visit visit) {
  visit(list);
  if (list.size() == size) return;
  for (const LinkState state :
       {LinkState::kConnecting, LinkState::kReady, LinkState::kFailed}) {
    for (const uint32_t streams : {0u, 1u, kLimit}) {
      for (const int64_t idle_for : {int64_t{5}, kIdle}) {
        list.push_back({state, streams, kNow - idle_for});
        ForEachList(size, list, visit);
        list.pop_back();
      }
    }
  }
}

size_t Count(const std::vector<ConnectionView>& list, LinkState state) {
  return std::count_if(list.begin(), list.end(),
                       [state](const auto& c) { return c.state == state; });
}

bool Closes(const ConnectionPlan& plan, size_t i) {
  return std::count(plan.close.begin(), plan.close.end(), i) != 0;
}

// Checks each rule by itself.
void CheckRules(const std::vector<ConnectionView>& list, size_t min, size_t max,
                const ConnectionPlan& plan) {
  const size_t ready = Count(list, LinkState::kReady);
  const size_t connecting = Count(list, LinkState::kConnecting);
  const size_t failed = Count(list, LinkState::kFailed);
  const size_t full =
      std::count_if(list.begin(), list.end(), [](const auto& c) {
        return c.state == LinkState::kReady && c.streams >= kLimit;
      });
  const bool wanted = ready > 0 && full == ready && list.size() < max;
  const bool too_few = list.size() < min;
  ASSERT_EQ(plan.open, connecting == 0 && failed == 0 && (wanted || too_few));
  int64_t look_again = INT64_MAX;
  for (size_t i = 0; i < list.size(); ++i) {
    const bool spare = i >= min && list[i].state != LinkState::kConnecting &&
                       list[i].streams == 0;
    const int64_t until = list[i].idle_since + kIdle;
    ASSERT_EQ(Closes(plan, i), spare && until <= kNow);
    if (spare && until > kNow) look_again = std::min(look_again, until);
  }
  ASSERT_EQ(plan.look_again, look_again);
  ASSERT_TRUE(std::is_sorted(plan.close.rbegin(), plan.close.rend()));
}

TEST(ConnectionSizingTest, EveryListOfUpToThreeIsPlannedByTheRules) {
  size_t lists = 0;
  std::vector<ConnectionView> list;
  for (size_t max = 1; max <= 4; ++max) {
    for (size_t min = 1; min <= max; ++min) {
      const ConnectionPoolConfig config =
          Config(static_cast<int>(min), static_cast<int>(max));
      ForEachList(3, list, [&](const std::vector<ConnectionView>& views) {
        ++lists;
        CheckRules(views, min, max, PlanConnections(views, config, kNow));
      });
      ASSERT_FALSE(HasFatalFailure()) << "min " << min << " max " << max;
    }
  }
  EXPECT_EQ(lists, 10u * (1 + 18 + 18 * 18 + 18 * 18 * 18));
}

TEST(ConnectionSizingTest, AStreamUsesTheLeastLoadedReadyOneTheOldestOfEqual) {
  std::vector<ConnectionView> list;
  ForEachList(3, list, [](const std::vector<ConnectionView>& views) {
    size_t expected = kNoConnection;
    for (size_t i = 0; i < views.size(); ++i) {
      if (views[i].state != LinkState::kReady) continue;
      if (expected == kNoConnection ||
          views[i].streams < views[expected].streams) {
        expected = i;
      }
    }
    ASSERT_EQ(LeastLoadedConnection(views), expected);
  });
}

TEST(ConnectionSizingTest, CallsWaitWhereAnotherConnectionCanCome) {
  constexpr LinkState kUp = LinkState::kReady;
  constexpr LinkState kComing = LinkState::kConnecting;
  constexpr LinkState kDown = LinkState::kFailed;
  const struct {
    const char* name;
    std::vector<LinkState> states;
    bool may_open;
    bool expected;
  } kRows[] = {
      {"one may be opened", {kUp}, true, true},
      {"not so soon after a failure", {kUp}, false, false},
      {"one is connecting", {kUp, kComing}, false, true},
      {"the last one is connecting", {kUp, kUp, kComing}, true, true},
      {"there can be no more", {kUp, kUp, kUp}, true, false},
      {"one has failed", {kUp, kDown}, true, false},
      {"one has failed, one is connecting", {kUp, kDown, kComing}, true, false},
  };
  for (const auto& row : kRows) {
    std::vector<ConnectionView> connections;
    for (const LinkState state : row.states) {
      connections.emplace_back();
      connections.back().state = state;
    }
    EXPECT_EQ(ExpectsConnection(connections, Config(1, 3), row.may_open),
              row.expected)
        << row.name;
  }
}

// Acts as the owner of a backend's connections, in virtual time.
class Pool {
 public:
  explicit Pool(const ConnectionPoolConfig& config) : config_(config) {}

  // Advances time by one unit.  New connections become READY, core retries
  // those that have failed, and the plan is carried out.
  void Tick() {
    ++now_;
    for (ConnectionView& c : connections_) {
      if (c.state == LinkState::kConnecting) {
        c.state = LinkState::kReady;
      } else if (c.state == LinkState::kFailed && server_is_up_) {
        c.state = LinkState::kConnecting;
      }
    }
    const ConnectionPlan plan = PlanConnections(connections_, config_, now_);
    for (const size_t i : plan.close) {
      ASSERT_EQ(connections_[i].streams, 0u);
      connections_.erase(connections_.begin() + i);
    }
    if (plan.open) {
      connections_.push_back({LinkState::kConnecting, 0, now_});
    }
  }

  // Starts or ends streams until `wanted` run or no connection has room.
  void Load(size_t wanted) {
    while (streams() < wanted) {
      const size_t i = LeastLoadedConnection(connections_);
      if (i == kNoConnection || connections_[i].streams >= kLimit) return;
      ++connections_[i].streams;
    }
    while (streams() > wanted) {
      // End a stream on the connection that has most.
      auto c = std::max_element(
          connections_.begin(), connections_.end(),
          [](const auto& a, const auto& b) { return a.streams < b.streams; });
      if (--c->streams == 0) c->idle_since = now_;
    }
  }

  void StopServer() {
    server_is_up_ = false;
    for (ConnectionView& c : connections_) {
      if (c.streams != 0) c.idle_since = now_;
      c.state = LinkState::kFailed;
      c.streams = 0;
    }
  }
  void StartServer() { server_is_up_ = true; }

  size_t streams() const {
    size_t sum = 0;
    for (const ConnectionView& c : connections_) sum += c.streams;
    return sum;
  }
  size_t ready() const { return Count(connections_, LinkState::kReady); }
  size_t size() const { return connections_.size(); }

 private:
  const ConnectionPoolConfig config_;
  std::vector<ConnectionView> connections_;
  int64_t now_ = 0;
  bool server_is_up_ = true;
};

TEST(ConnectionSizingTest, APoolGrowsOneByOneAndShrinksToMin) {
  Pool pool(Config(1, 4));
  size_t before = 0;
  for (int tick = 0; tick < 10; ++tick) {
    pool.Tick();
    ASSERT_LE(pool.size(), before + 1);
    before = pool.size();
    pool.Load(4 * kLimit);
  }
  EXPECT_EQ(pool.size(), 4u);
  EXPECT_EQ(pool.streams(), 4 * kLimit);
  pool.Load(0);
  for (int tick = 1; tick < kIdle; ++tick) {
    pool.Tick();
    ASSERT_EQ(pool.size(), 4u) << "tick " << tick;
  }
  pool.Tick();
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(pool.ready(), 1u);
}

TEST(ConnectionSizingTest, APoolIsWarmAgainAfterItsServerCameBack) {
  Pool pool(Config(2, 4));
  for (int tick = 0; tick < 10; ++tick) {
    pool.Tick();
    pool.Load(4 * kLimit);
  }
  ASSERT_EQ(pool.ready(), 4u);
  pool.StopServer();
  for (int tick = 1; tick < kIdle; ++tick) {
    pool.Tick();
    ASSERT_EQ(pool.size(), 4u) << "tick " << tick;
  }
  pool.Tick();
  EXPECT_EQ(pool.size(), 2u) << "the dead ones above min go when idle";
  EXPECT_EQ(pool.ready(), 0u);
  pool.StartServer();
  pool.Tick();
  pool.Tick();
  EXPECT_EQ(pool.ready(), 2u);
  for (int tick = 0; tick < 10; ++tick) {
    pool.Load(4 * kLimit);
    pool.Tick();
  }
  EXPECT_EQ(pool.ready(), 4u) << "calls brought the others back";
}

}  // namespace
}  // namespace multi_backend

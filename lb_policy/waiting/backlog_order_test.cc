// Tests the order in which waiting calls go, with a list of waiting picks like
// core's: last in, first out, and run again as a whole with each new picker.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/waiting/backlog.h"

namespace multi_backend {
namespace {

using Turn = Backlog::Turn;

BacklogConfig Config(int limit) {
  BacklogConfig config;
  config.limit = limit;
  config.timeout = absl::InfiniteDuration();
  return config;
}

struct Call {
  uint64_t number = 0;
  bool joined = false;
  bool queued = false;  // Whether it is on core's list.
};

// Acts as core in one channel whose balancer has a backlog.
class Channel {
 public:
  Channel(int limit, uint64_t seed) : backlog_(Config(limit)), random_(seed) {}

  // Starts a new call, whose pick runs at once.
  void Start() {
    Call call;
    call.number = backlog_.NextNumber();
    if (!Pick(call)) Queue(call);
  }

  // The application cancels a waiting call, and core drops it.
  void CancelAny() {
    if (queue_.empty()) return;
    const auto it =
        queue_.begin() + random_.Below(static_cast<uint32_t>(queue_.size()));
    const uint64_t number = it->number;
    queue_.erase(it);
    if (backlog_.Leave(number)) pass_wanted_ = true;
  }

  // Publishes a picker with room for `room` calls, and then the pickers that
  // the passes ask for.
  void NewPicker(uint64_t room) {
    room_ = room;
    backlog_.SetMembers(true, false, 0);
    pass_wanted_ = true;
    while (pass_wanted_) {
      pass_wanted_ = false;
      Pass();
    }
  }

  void set_bounce_share(double share) { bounce_share_ = share; }
  const Backlog& backlog() const { return backlog_; }
  size_t queued() const { return queue_.size(); }
  // The numbers of the calls that have gone, in order of departure.
  const std::vector<uint64_t>& gone() const { return gone_; }
  uint64_t picks() const { return picks_; }

 private:
  void Queue(Call call) {
    call.queued = true;
    queue_.push_back(call);
  }

  void Pass() {
    backlog_.BeginPass(0);
    for (size_t i = queue_.size(); i > 0; --i) {
      if (Pick(queue_[i - 1])) queue_[i - 1].queued = false;
    }
    queue_.erase(std::remove_if(queue_.begin(), queue_.end(),
                                [](const Call& call) { return !call.queued; }),
                 queue_.end());
  }

  // Returns whether the call is finished.
  bool Pick(Call& call) {
    ++picks_;
    if (backlog_.any_waiting()) {
      const Turn turn = backlog_.Ask(call.number, call.joined, 0);
      if (turn == Turn::kWait) call.joined = true;
      if (turn != Turn::kGo) return turn != Turn::kWait;
    }
    const bool bounces = random_.Fraction() < bounce_share_;
    if (room_ == 0 || bounces) {
      // Core does not report a bounce; it destroys the attempt's tracker.
      const Turn turn = backlog_.Join(call.number, 0);
      if (turn == Turn::kWait) call.joined = true;
      // The lost connection causes another picker.
      if (bounces) pass_wanted_ = true;
      return turn != Turn::kWait;
    }
    --room_;
    gone_.push_back(call.number);
    if (backlog_.Leave(call.number)) pass_wanted_ = true;
    return true;
  }

  Backlog backlog_;
  FastRandom random_;
  std::vector<Call> queue_;  // Core's list; the newest is at the back.
  std::vector<uint64_t> gone_;
  uint64_t room_ = 0;
  double bounce_share_ = 0;
  uint64_t picks_ = 0;
  bool pass_wanted_ = false;
};

// Counts the calls that went right before an older one.
size_t Inversions(const std::vector<uint64_t>& gone) {
  size_t inversions = 0;
  for (size_t i = 1; i < gone.size(); ++i) {
    if (gone[i] < gone[i - 1]) ++inversions;
  }
  return inversions;
}

// Returns the largest distance of a call from its place in exact order.
size_t FurthestMoved(const std::vector<uint64_t>& gone) {
  std::vector<uint64_t> sorted = gone;
  std::sort(sorted.begin(), sorted.end());
  size_t furthest = 0;
  for (size_t i = 0; i < gone.size(); ++i) {
    const size_t place =
        std::lower_bound(sorted.begin(), sorted.end(), gone[i]) -
        sorted.begin();
    furthest = std::max(furthest, place > i ? place - i : i - place);
  }
  return furthest;
}

struct OrderCase {
  const char* name;
  uint64_t room;  // For each new picker; calls end between two pickers.
  double bounce_share;
  size_t cancelled;  // Between two pickers.
  size_t newcomers;  // Between two pickers.
};

const OrderCase kOrderCases[] = {
    {"RoomForAll", 1'000'000, 0, 0, 0},
    {"RoomForOneAtATime", 1, 0, 0, 0},
    {"RoomForSevenAtATime", 7, 0, 0, 0},
    {"OthersAreCancelled", 7, 0, 5, 0},
    {"OthersCome", 7, 0, 0, 5},
    {"EverySecondPickBounces", 7, 0.5, 0, 0},
    {"AllAtOnce", 7, 0.3, 2, 3},
};

TEST(BacklogOrderTest, AThousandGoInTheOrderInWhichTheyCame) {
  constexpr size_t kCalls = 1000;
  for (const OrderCase& c : kOrderCases) {
    SCOPED_TRACE(c.name);
    Channel channel(kCalls, 1);
    channel.set_bounce_share(c.bounce_share);
    for (size_t i = 0; i < kCalls; ++i) channel.Start();
    ASSERT_EQ(channel.queued(), kCalls);
    ASSERT_EQ(channel.gone().size(), 0u);
    for (size_t rounds = 0; channel.queued() > 0; ++rounds) {
      ASSERT_LT(rounds, 2 * kCalls) << "some never go";
      for (size_t i = 0; i < c.cancelled; ++i) channel.CancelAny();
      for (size_t i = 0; i < c.newcomers; ++i) channel.Start();
      channel.NewPicker(c.room);
      ASSERT_EQ(channel.backlog().waiting(), channel.queued());
    }
    EXPECT_EQ(Inversions(channel.gone()), 0u);
    if (c.cancelled == 0) {
      EXPECT_GE(channel.gone().size(), kCalls);
    }
    EXPECT_EQ(channel.backlog().next_deadline(), INT64_MAX);
  }
}

// A pick that did not have to wait may bounce too.
TEST(BacklogOrderTest, WhoBouncedBeforeAnyoneWaitedGoesFirst) {
  Channel channel(1000, 1);
  channel.NewPicker(1000);
  channel.set_bounce_share(1);
  channel.Start();
  channel.set_bounce_share(0);
  for (int i = 0; i < 9; ++i) channel.Start();
  EXPECT_EQ(channel.queued(), 10u) << "there is room, but nobody overtakes";
  channel.NewPicker(1000);
  EXPECT_EQ(channel.gone().size(), 10u);
  EXPECT_EQ(Inversions(channel.gone()), 0u);
}

TEST(BacklogOrderTest, UpToKExactIsExactAndOnlyOneGoesInAPass) {
  constexpr size_t kCalls = Backlog::kExact;
  Channel channel(kCalls, 1);
  for (size_t i = 0; i < kCalls; ++i) channel.Start();
  channel.NewPicker(kCalls);
  EXPECT_EQ(channel.gone().size(), kCalls);
  EXPECT_EQ(Inversions(channel.gone()), 0u);
  EXPECT_EQ(channel.picks(), kCalls + kCalls * (kCalls + 1) / 2);
}

TEST(BacklogOrderTest, OfTenThousandOnlyNeighboursChangePlaces) {
  constexpr size_t kCalls = 10'000;
  Channel channel(kCalls, 1);
  for (size_t i = 0; i < kCalls; ++i) channel.Start();
  channel.NewPicker(kCalls);
  EXPECT_EQ(channel.gone().size(), kCalls);
  EXPECT_LE(FurthestMoved(channel.gone()), kCalls / Backlog::kPasses);
  // If one call went in each pass, there would be 10,000^2 / 2 picks.
  EXPECT_LT(channel.picks(), kCalls * Backlog::kExact / 4);
}

TEST(BacklogOrderTest, OfTenThousandNoCallStarvesWhileRoomIsScarce) {
  constexpr size_t kCalls = 4'000;
  Channel channel(kCalls, 1);
  for (size_t i = 0; i < kCalls; ++i) channel.Start();
  for (size_t i = 0; i < kCalls; ++i) channel.NewPicker(1);
  EXPECT_EQ(channel.gone().size(), kCalls);
  EXPECT_LE(FurthestMoved(channel.gone()), kCalls / Backlog::kPasses);
}

TEST(BacklogOrderTest, OfTenThousandNineThousandAreRefusedAndAThousandGo) {
  Channel channel(1000, 1);
  for (size_t i = 0; i < 10'000; ++i) channel.Start();
  EXPECT_EQ(channel.queued(), 1000u);
  channel.NewPicker(10'000);
  EXPECT_EQ(channel.gone().size(), 1000u);
  EXPECT_EQ(channel.gone().back(), 1000u);
  EXPECT_EQ(Inversions(channel.gone()), 0u);
}

// In each of several threads a call asks until it may go, or gives up.
TEST(BacklogOrderTest, ThreadsShareIt) {
  constexpr int kThreads = 4;
  constexpr int kCallsEach = 500;
  Backlog backlog(Config(kThreads));
  std::atomic<int> gone{0};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      FastRandom random(static_cast<uint64_t>(t));
      for (int i = 0; i < kCallsEach; ++i) {
        const uint64_t number = backlog.NextNumber();
        bool joined = backlog.Join(number, i) == Turn::kWait;
        EXPECT_TRUE(joined) << "there is room for all";
        const bool gives_up = random.Below(4) == 0;
        while (!gives_up && backlog.Ask(number, joined, i) != Turn::kGo) {
          backlog.BeginPass(i);
          backlog.SetMembers(random.Below(2) == 0, false, i);
          std::this_thread::yield();
        }
        ++(gives_up ? cancelled : gone);
        backlog.Leave(number);
        EXPECT_GE(backlog.next_deadline(), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gone + cancelled, kThreads * kCallsEach);
  EXPECT_EQ(backlog.waiting(), 0u);
  EXPECT_FALSE(backlog.any_waiting());
  EXPECT_EQ(backlog.next_deadline(), INT64_MAX);
}

}  // namespace
}  // namespace multi_backend

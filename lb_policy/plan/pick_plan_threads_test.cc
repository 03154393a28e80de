// PickPlan under eight threads that pick at once, as core does when it picks
// under no lock of its own.  These tests are worth most under the thread
// sanitizer.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/sync/mutex.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

using Outcome = PickPlan::Outcome;

constexpr int kThreads = 8;
constexpr int kPicksEach = 100'000;
constexpr int kPicks = kThreads * kPicksEach;
constexpr std::array<uint32_t, 6> kWeights = {1, 2, 3, 3, 2, 1};
constexpr int kWeightSum = 12;

// Runs body(t) in thread t, for all t at once.
template <typename Body>
void InThreads(Body body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

// Connected backends with kWeights, and the plans over them.  GetPlan() and
// Replace() may be called from any thread.
class Channel {
 public:
  explicit Channel(StrategyKind strategy) : pool_(BackendPool::Create()) {
    config_.root.strategy = strategy;
    for (size_t i = 0; i < kWeights.size(); ++i) {
      const std::string address = absl::StrCat("10.0.0.", i, ":1");
      Endpoint endpoint = *Endpoint::Parse(address);
      endpoint.weight = kWeights[i];
      endpoint.priority = static_cast<int32_t>(i);
      entries_.push_back(
          testing::ReadyEntry(*pool_, address, std::move(endpoint)));
    }
  }

  PolicyConfig& config() { return config_; }
  Backend& backend(size_t i) { return entries_[i].backend(); }
  std::shared_ptr<const PickPlan> GetPlan() {
    MutexLock lock(&mutex_);
    return plan_;
  }
  // Makes the first plan or the next one.  Picks over the present one may still
  // go on.
  void Replace() {
    const std::shared_ptr<const PickPlan> previous = GetPlan();
    PickPlan::Args args = testing::PlanArgs(config_, entries_, clock_);
    args.previous = previous.get();
    std::shared_ptr<const PickPlan> plan = PickPlan::Make(std::move(args));
    MutexLock lock(&mutex_);
    plan_.swap(plan);
  }

 private:
  const testing::ManualClock clock_;
  PolicyConfig config_;
  const std::shared_ptr<BackendPool> pool_;
  std::vector<PlanEntry> entries_;
  Mutex mutex_;
  std::shared_ptr<const PickPlan> plan_ ABSL_GUARDED_BY(mutex_);
};

// A plan that is replaced while the threads pick: `plans` times, evenly over
// `picks`.
class Replacer {
 public:
  Replacer(Channel& channel, int plans, int picks)
      : thread_([this, &channel, plans, picks] {
          for (int plan = 1; plan <= plans; ++plan) {
            const int64_t due = int64_t{plan} * picks / (plans + 1);
            while (made_.load(std::memory_order_relaxed) < due) {
              std::this_thread::yield();
            }
            channel.Replace();
          }
        }) {}
  ~Replacer() { thread_.join(); }
  // All `picks` must be reported.
  void OnPicks(int count) { made_.fetch_add(count, std::memory_order_relaxed); }

 private:
  std::atomic<int> made_{0};
  std::thread thread_;
};

// The request of a call with one of 64 keys, or with none.
PickRequest AnyRequest(FastRandom& random) {
  PickRequest request;
  request.has_key = random.Below(2) == 0;
  request.key_hash = Mix64(random.Below(64));
  return request;
}

// --- Every strategy ---------------------------------------------------------

class ThreadsTest : public ::testing::TestWithParam<StrategyKind> {};

INSTANTIATE_TEST_SUITE_P(
    AllStrategies, ThreadsTest, ::testing::ValuesIn(testing::kAllKinds),
    [](const ::testing::TestParamInfo<StrategyKind>& info) {
      return std::string(StrategyName(info.param));
    });

// Calls begin, are tried on up to three backends, and end, while the plan is
// replaced.
TEST_P(ThreadsTest, NoBackendIsTriedTwiceAndEveryCallIsCounted) {
  constexpr int kStep = 50;  // Calls between two looks at the newest plan.
  Channel channel(GetParam());
  channel.Replace();
  std::atomic<int> without_backend{0};
  std::atomic<int> again{0};
  std::atomic<int> picks{0};
  {
    Replacer replacer(channel, 100, kPicks);
    InThreads([&](int t) {
      FastRandom random(static_cast<uint64_t>(t));
      std::array<Backend*, 4> running{};
      std::shared_ptr<const PickPlan> plan;
      for (int call = 0; call < kPicksEach; ++call) {
        if (call % kStep == 0) {
          plan = channel.GetPlan();
          replacer.OnPicks(kStep);
        }
        PickRequest request = AnyRequest(random);
        const uint32_t attempts = std::max(1u, random.Below(8) / 2);
        for (uint32_t attempt = 0; attempt < attempts; ++attempt) {
          const PickPlan::Result result = plan->Pick(CallLabel(), request);
          if (result.outcome != Outcome::kPicked) {
            ++without_backend;
            break;
          }
          Backend& backend = plan->entries()[result.entry].backend();
          again += request.tried.Contains(backend.id());
          request.tried.Add(backend.id());
          ++picks;
          Backend*& place = running[random.Below(4)];
          if (place != nullptr) place->EndCall();
          if (!backend.TryBeginCall()) ++without_backend;
          place = &backend;
        }
      }
      for (Backend* backend : running) {
        if (backend != nullptr) backend->EndCall();
      }
    });
  }
  EXPECT_EQ(without_backend.load(), 0);
  EXPECT_EQ(again.load(), 0);
  EXPECT_GE(picks.load(), kPicks);
  for (size_t i = 0; i < kWeights.size(); ++i) {
    EXPECT_EQ(channel.backend(i).load.in_flight.load(), 0) << i;
  }
}

// The limit leaves fewer places than there are threads, so calls that find none
// end at once.
TEST_P(ThreadsTest, ALimitOfCallsIsNeverExceeded) {
  constexpr int kLimit = 1;
  Channel channel(GetParam());
  channel.Replace();
  for (size_t i = 0; i < kWeights.size(); ++i) {
    channel.backend(i).SetLimit(kLimit);
  }
  const std::shared_ptr<const PickPlan> plan = channel.GetPlan();
  std::array<std::atomic<int>, kWeights.size()> running{};
  std::atomic<int> too_many{0};
  std::atomic<int> begun{0};
  InThreads([&](int t) {
    FastRandom random(static_cast<uint64_t>(t));
    for (int call = 0; call < kPicksEach / 10; ++call) {
      const PickRequest request = AnyRequest(random);
      PickPlan::Result result;
      do {
        result = plan->Pick(CallLabel(), request);
      } while (result.outcome == Outcome::kPicked &&
               !channel.backend(result.entry).TryBeginCall());
      if (result.outcome != Outcome::kPicked) continue;
      ++begun;
      too_many += running[result.entry].fetch_add(1) >= kLimit;
      running[result.entry].fetch_sub(1);
      channel.backend(result.entry).EndCall();
    }
  });
  EXPECT_EQ(too_many.load(), 0);
  EXPECT_GT(begun.load(), 0);
  for (size_t i = 0; i < kWeights.size(); ++i) {
    EXPECT_EQ(channel.backend(i).load.in_flight.load(), 0) << i;
    EXPECT_EQ(channel.backend(i).load.unusable_reasons.load(), 0u) << i;
  }
}

// --- Shares -----------------------------------------------------------------

using Counts = std::array<std::atomic<int>, kWeights.size()>;

// Makes kPicks picks while the plan is replaced `replacements` times.
void CountPicks(Channel& channel, int replacements, Counts& counts) {
  constexpr int kStep = 20;
  channel.Replace();
  Replacer replacer(channel, replacements, kPicks);
  InThreads([&](int) {
    for (int i = 0; i < kPicksEach / kStep; ++i) {
      const std::shared_ptr<const PickPlan> plan = channel.GetPlan();
      for (int pick = 0; pick < kStep; ++pick) {
        ++counts[plan->Pick(CallLabel(), PickRequest()).entry];
      }
      replacer.OnPicks(kStep);
    }
  });
}

TEST(ThreadSharesTest, RoundRobinGivesEachBackendTheSame) {
  Channel channel(StrategyKind::kRoundRobin);
  Counts counts{};
  CountPicks(channel, /*replacements=*/0, counts);
  for (const auto& count : counts) {
    EXPECT_NEAR(count.load(), kPicks / static_cast<double>(counts.size()), 1);
  }
}

TEST(ThreadSharesTest, WeightedFollowsTheWeights) {
  Channel channel(StrategyKind::kWeighted);
  Counts counts{};
  CountPicks(channel, /*replacements=*/0, counts);
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(counts[i].load(),
                static_cast<double>(kPicks) * kWeights[i] / kWeightSum, 2)
        << i;
  }
}

// The picks of one plan follow the weights up to two.  The next plan may miss
// some of its last picks, which moves each backend by one turn at most.
TEST(ThreadSharesTest, WeightedFollowsTheWeightsOverManyPlans) {
  constexpr int kReplacements = 100;
  Channel channel(StrategyKind::kWeighted);
  Counts counts{};
  CountPicks(channel, kReplacements, counts);
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(counts[i].load(),
                static_cast<double>(kPicks) * kWeights[i] / kWeightSum,
                3 * (kReplacements + 1))
        << i;
  }
}

// With 800,000 picks, sigma is below 400 for each backend, so a false alarm
// needs 6 sigma.
TEST(ThreadSharesTest, RandomFollowsTheWeights) {
  Channel channel(StrategyKind::kRandom);
  Counts counts{};
  CountPicks(channel, /*replacements=*/0, counts);
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(counts[i].load(),
                static_cast<double>(kPicks) * kWeights[i] / kWeightSum, 2400)
        << i;
  }
}

TEST(ThreadSharesTest, PrimaryGivesAllToTheFirst) {
  Channel channel(StrategyKind::kPrimary);
  Counts counts{};
  CountPicks(channel, /*replacements=*/100, counts);
  EXPECT_EQ(counts[0].load(), kPicks);
}

TEST(ThreadSharesTest, StickyKeepsEachKeyOnOneBackend) {
  constexpr uint32_t kKeys = 4096;
  Channel channel(StrategyKind::kSticky);
  channel.Replace();
  PickRequest request;
  request.has_key = true;
  // A plan of its own, so that the threads find an empty cache.
  Channel other(StrategyKind::kSticky);
  other.Replace();
  std::vector<uint32_t> owners;
  for (uint32_t key = 0; key < kKeys; ++key) {
    request.key_hash = Mix64(key);
    owners.push_back(other.GetPlan()->Pick(CallLabel(), request).entry);
  }
  std::atomic<int> elsewhere{0};
  {
    Replacer replacer(channel, 20, kPicks);
    InThreads([&](int t) {
      FastRandom random(static_cast<uint64_t>(t));
      PickRequest keyed;
      keyed.has_key = true;
      for (int i = 0; i < kPicksEach; ++i) {
        const uint32_t key = random.Below(kKeys);
        keyed.key_hash = Mix64(key);
        elsewhere +=
            channel.GetPlan()->Pick(CallLabel(), keyed).entry != owners[key];
        replacer.OnPicks(1);
      }
    });
  }
  EXPECT_EQ(elsewhere.load(), 0);
}

// One key has most of the calls of every plan, and the plans share the vote.
TEST(ThreadSharesTest, AHotKeyIsToldOfOnce) {
  Channel channel(StrategyKind::kSticky);
  channel.Replace();
  std::atomic<int> told{0};
  {
    Replacer replacer(channel, 20, kPicks / 10);
    InThreads([&](int) {
      PickRequest request;
      request.has_key = true;
      request.key_hash = 1;
      for (int i = 0; i < kPicksEach / 10; ++i) {
        const std::shared_ptr<const PickPlan> plan = channel.GetPlan();
        (void)plan->Pick(CallLabel(), request);
        if (plan->has_hot_key()) {
          told += static_cast<int>(plan->TakeHotKeys().size());
        }
        replacer.OnPicks(1);
      }
    });
  }
  EXPECT_EQ(told.load(), 1);
}

}  // namespace
}  // namespace multi_backend

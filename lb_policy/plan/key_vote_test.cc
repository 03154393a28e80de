#include "multi_backend/lb_policy/plan/key_vote.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "multi_backend/lb_policy/fast_random.h"

namespace multi_backend {
namespace {

constexpr uint64_t kHot = 77;

struct Row {
  const char* name;
  // The key of call number `i`.
  std::function<uint64_t(int i)> key;
  // The percentage that Take() returns after ten windows; 0 = nothing.
  int percent;
};

uint64_t Other(int i) { return 1000 + static_cast<uint64_t>(i); }

const Row kRows[] = {
    {"OneKeyAlone", [](int) { return kHot; }, 100},
    {"TheKeyZeroAlone", [](int) { return uint64_t{0}; }, 100},
    {"TwoKeysInTurn", [](int i) { return uint64_t{1} + i % 2; }, 0},
    {"TwoKeysHalfAWindowEach", [](int i) { return uint64_t{1} + i / 500 % 2; },
     0},
    {"HalfOfTheCallsIsNotMore",
     [](int i) { return i % 2 == 0 ? kHot : Other(i); }, 0},
    {"ALittleMoreThanHalf",
     [](int i) { return i % 100 < 51 ? kHot : Other(i); }, 51},
    {"SixtyThreePercentAmongManyKeys",
     [](int i) { return i % 100 < 63 ? kHot : Other(i); }, 63},
    {"TheRestOfTheWindowIsOneOtherKey",
     [](int i) { return i % 1000 < 630 ? kHot : uint64_t{5}; }, 63},
    {"TheOtherKeyComesFirst",
     [](int i) { return i % 1000 < 370 ? uint64_t{5} : kHot; }, 63},
    {"EachKeyOnce", [](int i) { return Other(i); }, 0},
    {"ThreeKeysInTurn", [](int i) { return uint64_t{1} + i % 3; }, 0},
    {"AnotherKeyInEachWindow",
     [](int i) { return uint64_t{1} + i / KeyVote::kWindow; }, 0},
};

class KeyVoteRowTest : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(Rows, KeyVoteRowTest, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& info) {
                           return std::string(info.param.name);
                         });

TEST_P(KeyVoteRowTest, Holds) {
  auto news = std::make_shared<std::atomic<bool>>(false);
  KeyVote vote(news);
  for (int i = 0; i < 10 * KeyVote::kWindow; ++i) vote.Add(GetParam().key(i));
  EXPECT_EQ(news->load(), GetParam().percent != 0);
  EXPECT_EQ(vote.Take().value_or(0), GetParam().percent);
  EXPECT_EQ(vote.Take(), absl::nullopt) << "only once";
}

TEST(KeyVoteTest, SaysItAtTheEndOfTheSecondWindowAndThenNoMore) {
  auto news = std::make_shared<std::atomic<bool>>(false);
  KeyVote vote(news);
  for (int i = 0; i < 2 * KeyVote::kWindow - 1; ++i) {
    vote.Add(kHot);
    ASSERT_FALSE(news->load()) << i;
  }
  vote.Add(kHot);
  EXPECT_TRUE(news->exchange(false));
  EXPECT_EQ(vote.Take(), 100);
  for (int i = 0; i < 10 * KeyVote::kWindow; ++i) vote.Add(kHot);
  EXPECT_FALSE(news->load());
  EXPECT_EQ(vote.Take(), absl::nullopt);
}

TEST(KeyVoteTest, AKeyThatBecomesHotLaterIsFound) {
  auto news = std::make_shared<std::atomic<bool>>(false);
  KeyVote vote(news);
  for (int i = 0; i < 12345; ++i) vote.Add(Other(i));
  EXPECT_FALSE(news->load());
  for (int i = 0; i < 4 * KeyVote::kWindow; ++i) vote.Add(kHot);
  EXPECT_TRUE(news->load());
}

// The key has 60 % of the calls at random.  With 1,000 calls, sigma is 1.5 %,
// so a false alarm of this test needs 6 sigma.
TEST(KeyVoteTest, FindsAKeyWhoseCallsComeAtRandom) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    FastRandom random(seed);
    KeyVote vote(std::make_shared<std::atomic<bool>>(false));
    for (int i = 0; i < 2 * KeyVote::kWindow; ++i) {
      vote.Add(random.Fraction() < 0.6 ? kHot : random.Next());
    }
    EXPECT_NEAR(vote.Take().value_or(0), 60, 9.5) << seed;
  }
}

// Each thread has the key in 63 of 100 calls, so in a window of calls from all
// of them it has that share, but for a part of a hundred from each thread.
TEST(KeyVoteTest, ThreadsVoteTogetherAndHearTheResultOnce) {
  constexpr int kThreads = 8;
  constexpr int kCallsEach = 100'000;
  constexpr int kMostOff = kThreads * 24;
  auto news = std::make_shared<std::atomic<bool>>(false);
  KeyVote vote(news);
  std::atomic<int> told{0};
  std::atomic<int> percent{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kCallsEach; ++i) {
        vote.Add(i % 100 < 63 ? kHot : Other(i));
        if (!news->load()) continue;
        const absl::optional<int> taken = vote.Take();
        if (!taken.has_value()) continue;
        ++told;
        percent = *taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told.load(), 1);
  EXPECT_NEAR(percent.load(), 63, kMostOff * 100.0 / KeyVote::kWindow);
}

}  // namespace
}  // namespace multi_backend

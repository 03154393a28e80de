#include "multi_backend/observability/metrics/series_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics/series_key.h"

namespace multi_backend {
namespace {

constexpr auto kOrdinary = SeriesTable::Priority::kOrdinary;
constexpr auto kReserved = SeriesTable::Priority::kReserved;

uint64_t Key(uint64_t i) { return SeriesKey(0).With(i).value(); }

SeriesIdentity Identity(uint64_t i) {
  SeriesIdentity identity;
  identity.labels = std::make_shared<LabelValues>(LabelValues{absl::StrCat(i)});
  return identity;
}

Series* Add(SeriesTable& table, uint64_t i,
            SeriesTable::Priority priority = kOrdinary) {
  return table.Add(Key(i), priority, [&] { return Identity(i); });
}

size_t CountLive(SeriesTable& table) {
  size_t count = 0;
  table.ForEach([&](Series&) { ++count; });
  return count;
}

TEST(SeriesTableTest, FindsWhatWasAdded) {
  SeriesTable table(10'000, absl::Minutes(1));
  std::set<Series*> all;
  const uint64_t places = 10'000 - SeriesTable::kReserved;
  for (uint64_t i = 0; i < places; ++i) {
    EXPECT_EQ(table.Find(Key(i)), nullptr);
    Series* series = Add(table, i);
    ASSERT_NE(series, nullptr) << i;
    EXPECT_TRUE(all.insert(series).second);
  }
  for (uint64_t i = 0; i < places; ++i) {
    Series* series = table.Find(Key(i));
    ASSERT_NE(series, nullptr) << i;
    EXPECT_EQ(series->identity().labels->front(), absl::StrCat(i));
    EXPECT_EQ(Add(table, i), series);
  }
  EXPECT_EQ(CountLive(table), places);
}

TEST(SeriesTableTest, AFullTableTakesOnlyReservedOnes) {
  SeriesTable table(100, absl::Minutes(1));
  for (uint64_t i = 0; i < 100 - SeriesTable::kReserved; ++i) {
    ASSERT_NE(Add(table, i), nullptr);
    EXPECT_FALSE(table.full());
  }
  EXPECT_EQ(Add(table, 1000), nullptr);
  EXPECT_TRUE(table.full());
  for (uint64_t i = 0; i < SeriesTable::kReserved; ++i) {
    EXPECT_NE(Add(table, 2000 + i, kReserved), nullptr);
  }
  EXPECT_EQ(Add(table, 3000, kReserved), nullptr);
  EXPECT_EQ(table.allocated(), 100u);
}

TEST(SeriesTableTest, ARetiredSeriesRestsBeforeItIsUsedAgain) {
  SeriesTable table(SeriesTable::kReserved + 1, absl::Minutes(1));
  const absl::Time start = absl::UnixEpoch();
  Series* first = Add(table, 1);
  first->Record(5'000'000);
  table.Retire(*first, start);
  EXPECT_EQ(table.Find(Key(1)), nullptr);
  EXPECT_EQ(CountLive(table), 0u);
  EXPECT_EQ(Add(table, 2), nullptr) << "it still rests";
  table.Recycle(start + absl::Seconds(59));
  EXPECT_TRUE(table.full());

  table.Recycle(start + absl::Seconds(60));
  EXPECT_FALSE(table.full());
  Series* second = Add(table, 2);
  EXPECT_EQ(second, first);
  EXPECT_EQ(second->count(BucketOf(5'000'000)), 0u);
  EXPECT_EQ(second->sum_nanos(), 0u);
  EXPECT_EQ(table.Find(Key(1)), nullptr);
  EXPECT_EQ(table.Find(Key(2)), second);
}

// Under tsan it also shows that nothing is read while it is written.
TEST(SeriesTableTest, EveryEventIsCountedWhileSeriesComeAndGo) {
  SeriesTable table(512, absl::ZeroDuration());
  constexpr int kThreads = 4;
  constexpr uint64_t kEvents = 20'000;
  std::atomic<int> running{kThreads};
  std::atomic<uint64_t> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEvents; ++i) {
        // Half of the events are of one series, which stays.
        const uint64_t name = i % 2 == 0 ? 0 : 1 + (i * kThreads + t) % 2000;
        Series* series = table.Find(Key(name));
        if (series == nullptr) series = Add(table, name);
        if (series == nullptr) {
          refused.fetch_add(1);
        } else {
          series->Increment();
        }
      }
      running.fetch_sub(1);
    });
  }
  absl::Time now = absl::UnixEpoch();
  while (running.load() > 0) {
    now += absl::Seconds(1);
    table.ForEach([&](Series& series) {
      if (series.identity().labels->front() != "0") table.Retire(series, now);
    });
    table.Recycle(now);
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_NE(table.Find(Key(0)), nullptr);
  // A series that has no grace may take events of another one, never lose one.
  EXPECT_GE(table.Find(Key(0))->count(0), kThreads * kEvents / 2);
  EXPECT_LE(table.allocated(), 512u);
}

}  // namespace
}  // namespace multi_backend

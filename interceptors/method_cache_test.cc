#include "multi_backend/interceptors/method_cache.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using Cache = MethodCache<int>;

std::string Name(size_t i) { return absl::StrCat("/pkg.Service/Method", i); }

TEST(MethodCacheTest, ANameIsUnknownUntilItIsInserted) {
  Cache cache;
  EXPECT_EQ(cache.Find("/a/b"), nullptr);
  cache.Insert("/a/b", 7);
  ASSERT_NE(cache.Find("/a/b"), nullptr);
  EXPECT_EQ(*cache.Find("/a/b"), 7);
  EXPECT_EQ(cache.Find("/a/c"), nullptr);
  EXPECT_EQ(cache.Find(""), nullptr);
}

TEST(MethodCacheTest, TheFirstValueOfANameStays) {
  Cache cache;
  cache.Insert("/a/b", 1);
  cache.Insert("/a/b", 2);
  EXPECT_EQ(*cache.Find("/a/b"), 1);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(MethodCacheTest, AReusedBufferWithAnotherNameIsAnotherMethod) {
  Cache cache;
  char buffer[] = "/pkg.Service/Read_";
  cache.Insert(buffer, 1);
  buffer[sizeof(buffer) - 2] = 'X';
  EXPECT_EQ(cache.Find(buffer), nullptr);
  cache.Insert(buffer, 2);
  EXPECT_EQ(*cache.Find("/pkg.Service/Read_"), 1);
  EXPECT_EQ(*cache.Find("/pkg.Service/ReadX"), 2);
}

TEST(MethodCacheTest, NamesThatDifferInOneByteAnywhereAreDifferent) {
  // Tries one name per position, which also covers every length class of the
  // hash.
  const std::string base(300, 'm');
  Cache cache;
  cache.Insert(base, -1);
  for (size_t i = 0; i < base.size(); ++i) {
    std::string name = base;
    name[i] = '\0';
    cache.Insert(name, static_cast<int>(i));
  }
  for (size_t i = 0; i < base.size(); ++i) {
    std::string name = base;
    name[i] = '\0';
    ASSERT_NE(cache.Find(name), nullptr) << i;
    EXPECT_EQ(*cache.Find(name), static_cast<int>(i));
  }
  EXPECT_EQ(*cache.Find(base), -1);
}

TEST(MethodCacheTest, GrowthKeepsEveryEntryUpToTheBoundAndNoneBeyond) {
  Cache cache;
  for (size_t i = 0; i < Cache::kMaxEntries + 1000; ++i) {
    cache.Insert(Name(i), static_cast<int>(i));
  }
  EXPECT_EQ(cache.size(), +Cache::kMaxEntries);
  for (size_t i = 0; i < Cache::kMaxEntries; ++i) {
    ASSERT_NE(cache.Find(Name(i)), nullptr) << i;
    ASSERT_EQ(*cache.Find(Name(i)), static_cast<int>(i));
  }
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(cache.Find(Name(Cache::kMaxEntries + i)), nullptr) << i;
  }
}

TEST(MethodCacheTest, AnOverlongNameIsNotRemembered) {
  Cache cache;
  const std::string longest(Cache::kMaxNameLength, 'x');
  cache.Insert(longest + "x", 1);
  EXPECT_EQ(cache.Find(longest + "x"), nullptr);
  EXPECT_EQ(cache.size(), 0u);
  cache.Insert(longest, 1);
  EXPECT_NE(cache.Find(longest), nullptr);
}

TEST(MethodCacheTest, AFoundValueStaysWhereItIsWhileTheCacheGrows) {
  Cache cache;
  cache.Insert(Name(0), 42);
  const int* found = cache.Find(Name(0));
  for (size_t i = 1; i < Cache::kMaxEntries; ++i) cache.Insert(Name(i), 0);
  EXPECT_EQ(cache.Find(Name(0)), found);
  EXPECT_EQ(*found, 42);
}

TEST(MethodCacheTest, ReadersSeeWholeEntriesWhileWritersInsert) {
  Cache cache;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &wrong, t] {
      for (size_t i = 0; i < 2000; ++i) {
        const size_t key = (i * 7 + t * 500) % 2000;
        const std::string name = Name(key);
        cache.Insert(name, static_cast<int>(key));
        const int* found = cache.Find(name);
        if (found == nullptr || *found != static_cast<int>(key)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(cache.size(), 2000u);
}

}  // namespace
}  // namespace multi_backend

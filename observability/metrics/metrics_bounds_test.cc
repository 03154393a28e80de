// The memory of Metrics in a cluster that changes all day.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/observability/metrics/metrics.h"
#include "multi_backend/observability/metrics/testing/find_series.h"
#include "multi_backend/observability/testing/fixed_channel.h"

namespace multi_backend {
namespace {

// Bytes that operator new has given and operator delete has not taken back.
std::atomic<int64_t> allocated_bytes{0};

// Before each block, so that delete knows what it takes back.
constexpr size_t kHeader = 64;

void* Allocate(size_t size) {
  void* block = std::aligned_alloc(
      kHeader, (size + kHeader + kHeader - 1) / kHeader * kHeader);
  if (block == nullptr) throw std::bad_alloc();
  *static_cast<size_t*>(block) = size;
  allocated_bytes += static_cast<int64_t>(size);
  return static_cast<char*>(block) + kHeader;
}

void Free(void* pointer) {
  if (pointer == nullptr) return;
  void* block = static_cast<char*>(pointer) - kHeader;
  allocated_bytes -= static_cast<int64_t>(*static_cast<size_t*>(block));
  std::free(block);
}

}  // namespace
}  // namespace multi_backend

void* operator new(size_t size) { return multi_backend::Allocate(size); }
void* operator new[](size_t size) { return multi_backend::Allocate(size); }
void* operator new(size_t size, std::align_val_t) {
  return multi_backend::Allocate(size);
}
void* operator new[](size_t size, std::align_val_t) {
  return multi_backend::Allocate(size);
}
void operator delete(void* pointer) noexcept { multi_backend::Free(pointer); }
void operator delete[](void* pointer) noexcept { multi_backend::Free(pointer); }
void operator delete(void* pointer, size_t) noexcept {
  multi_backend::Free(pointer);
}
void operator delete[](void* pointer, size_t) noexcept {
  multi_backend::Free(pointer);
}
void operator delete(void* pointer, std::align_val_t) noexcept {
  multi_backend::Free(pointer);
}
void operator delete[](void* pointer, std::align_val_t) noexcept {
  multi_backend::Free(pointer);
}
void operator delete(void* pointer, size_t, std::align_val_t) noexcept {
  multi_backend::Free(pointer);
}
void operator delete[](void* pointer, size_t, std::align_val_t) noexcept {
  multi_backend::Free(pointer);
}

namespace multi_backend {
namespace {

// 5,000 backends, of which another 500 are listed each hour, and 500 methods:
// 2.5 million label sets in all.
TEST(MetricsBoundsTest, ADayOfComingAndGoingTakesNoMoreMemory) {
  constexpr int kBackends = 5'000, kListed = 500, kMethods = 500;
  constexpr int kMinutes = 24 * 60;
  const std::string target = "zookeeper://zk/users";
  std::vector<std::string> backends, methods;
  for (int i = 0; i < kBackends; ++i) {
    backends.push_back(absl::StrCat("host", i, ".example:50051"));
  }
  for (int i = 0; i < kMethods; ++i) {
    methods.push_back(absl::StrCat("/acme.Users/Method", i));
  }
  const auto metrics = Metrics::Create();
  const auto channel = std::make_shared<FixedChannel>(target);
  metrics->OnChannel(channel);
  absl::Time now = absl::UnixEpoch();
  uint64_t random = 1;
  int64_t most_at_first = 0, most = 0;
  size_t most_series = 0;
  double attempts = 0, overflows = 0;
  for (int minute = 0; minute < kMinutes; ++minute, now += absl::Minutes(1)) {
    if (minute % 60 == 0) {
      std::vector<std::string> listed;
      for (int i = 0; i < kListed; ++i) {
        listed.push_back(backends[(minute / 60 * kListed + i) % kBackends]);
      }
      channel->List(listed);
    }
    for (int i = 0; i < 300; ++i, ++attempts) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      AttemptEnded attempt;
      attempt.target = Label(target);
      attempt.backend =
          Label(backends[(minute / 60 * kListed + (random >> 33) % kListed) %
                         kBackends]);
      attempt.method = Label(methods[(random >> 20) % kMethods]);
      metrics->OnAttemptEnded(attempt);
    }
    if (minute % 10 != 0) continue;
    const MetricsSnapshot snapshot = metrics->Collect(now);
    ASSERT_LE(metrics->allocated_series(), 7'500u);
    most_series = std::max(most_series, CountSeries(snapshot));
    ASSERT_LE(most_series, 10'000u);
    overflows = ValueOf(snapshot, Metric::kSeriesOverflows, {});
    int64_t& peak = minute < 6 * 60 ? most_at_first : most;
    peak = std::max(peak, allocated_bytes.load());
  }
  EXPECT_GT(overflows, 0) << "the bound was never reached";
  EXPECT_GT(most_series, 9'000u);
  // Each hour's new list has other lengths of names and other numbers of
  // samples.
  EXPECT_LT(most, most_at_first + (1 << 16));
  EXPECT_LT(most, 16 << 20);
  std::printf(
      "%zu series at most, %.0f overflows of %.0f events; %ld bytes at most "
      "in the first 6 hours, %ld later\n",
      most_series, overflows, attempts, static_cast<long>(most_at_first),
      static_cast<long>(most));
}

}  // namespace
}  // namespace multi_backend

// What a health-checked group of 10,000 endpoints costs, counted in lists and
// in allocations of memory, which unlike time do not depend on the machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "multi_backend/health/health_checked_endpoint_group.h"
#include "multi_backend/health/probes/probe.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/groups/static_endpoint_group.h"
#include "multi_backend/tests/testing/virtual_timers.h"

namespace {

std::atomic<size_t> allocated_bytes{0};

}  // namespace

void* operator new(size_t size) {
  allocated_bytes += size;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace multi_backend {
namespace {

constexpr int kMany = 10000;
constexpr absl::Duration kInterval = absl::Seconds(5);

class CountedProbe final : public Probe {
 public:
  explicit CountedProbe(int* starts) : starts_(starts) {}
  void Start(absl::Duration, Done done) override {
    ++*starts_;
    done({true, ""});
  }

 private:
  int* const starts_;
};

class CountedFactory final : public ProbeFactory {
 public:
  explicit CountedFactory(int* starts) : starts_(starts) {}
  std::unique_ptr<Probe> Make(const Endpoint&,
                              absl::string_view) const override {
    return std::make_unique<CountedProbe>(starts_);
  }

 private:
  int* const starts_;
};

// A group of `size` healthy endpoints in virtual time.
struct Checked {
  explicit Checked(int size) {
    EndpointList list;
    for (int i = 0; i < size; ++i) {
      list.push_back(Endpoint::Of(absl::StrCat("10.1.", i / 250, ".", i % 250),
                                  /*port=*/80));
    }
    HealthCheckedOptions options;
    options.config.interval = kInterval;
    options.timers = options.publisher = timers;
    options.seed = 1;
    group = HealthCheckedEndpointGroup(
        *StaticEndpointGroup::Make(std::move(list)),
        std::make_shared<CountedFactory>(&probes), options);
    watch = group->Watch([this](auto) { ++lists; });
  }

  const std::shared_ptr<VirtualTimers> timers =
      std::make_shared<VirtualTimers>();
  int probes = 0;
  int lists = 0;
  std::shared_ptr<EndpointGroup> group;
  std::unique_ptr<EndpointGroup::Subscription> watch;
};

TEST(HealthCheckedSizeTest, FirstProbesAreSpreadAndShareLists) {
  Checked checked(kMany);
  int most = 0;
  for (int i = 0; i < 50; ++i) {
    const int before = checked.probes;
    checked.timers->Advance(absl::Milliseconds(100));
    most = std::max(most, checked.probes - before);
  }
  EXPECT_EQ(checked.group->endpoints()->size(), size_t{kMany});
  EXPECT_LT(most, kMany / 10) << "probes in 100 ms";
  EXPECT_LE(checked.lists, 20);
}

TEST(HealthCheckedSizeTest, AResultThatChangesNothingCostsTheSameInAnyList) {
  const auto bytes_per_result = [](int size) {
    Checked checked(size);
    checked.timers->Advance(kInterval * 2);
    const int lists = checked.lists;
    const int probes = checked.probes;
    const size_t bytes = allocated_bytes;
    checked.timers->Advance(kInterval * 5);
    EXPECT_EQ(checked.lists, lists);
    EXPECT_GE(checked.probes - probes, 4 * size);
    return static_cast<double>(allocated_bytes - bytes) /
           (checked.probes - probes);
  };
  const double few = bytes_per_result(10);
  EXPECT_GT(few, 0);
  EXPECT_LT(bytes_per_result(kMany), few * 1.5 + 64);
}

}  // namespace
}  // namespace multi_backend

// All backends stop at once under a steady load: how many attempts do the calls
// make?

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/behaviours.h"
#include "multi_backend/tests/testing/users_client.h"
#include "multi_backend/tests/testing/users_load.h"

namespace multi_backend {
namespace {

constexpr int kThreads = 8;
constexpr double kCallsPerSecond = 500;

enum class End { kFailing, kKilled };

class RetryStormTest
    : public ::testing::TestWithParam<std::tuple<size_t, End>> {};

INSTANTIATE_TEST_SUITE_P(
    Backends, RetryStormTest,
    ::testing::Combine(::testing::Values(2, 3),
                       ::testing::Values(End::kFailing, End::kKilled)),
    [](const auto& info) {
      return absl::StrCat(
          std::get<0>(info.param) == 2 ? "Two" : "Three",
          std::get<1>(info.param) == End::kFailing ? "Failing" : "Killed");
    });

// Looks at the counts of the last second again and again.
class LastSecond {
 public:
  // Fails the test if the last second had more than 1.35 attempts per call.
  void Look(int64_t calls, uint64_t attempts) {
    const absl::Time now = absl::Now();
    seen_.push_back({now, calls, attempts});
    // The oldest look is the newest one that is at least a second old.
    while (seen_.size() > 1 && seen_[1].time <= now - absl::Seconds(1)) {
      seen_.pop_front();
    }
    const absl::Duration elapsed = now - seen_[0].time;
    if (elapsed < absl::Seconds(1)) return;
    // A busy machine may make fewer calls than it should.  The budget has a
    // constant part, so the ratio then says little.
    const auto made = static_cast<double>(calls - seen_[0].calls);
    const double due = kCallsPerSecond * absl::ToDoubleSeconds(elapsed);
    // The calls of all threads may have begun just before this second.
    EXPECT_LE(static_cast<double>(attempts - seen_[0].attempts),
              made + 0.35 * std::max(made, due) + kThreads)
        << "of " << made << " calls in " << elapsed;
  }

 private:
  struct Seen {
    absl::Time time;
    int64_t calls;
    uint64_t attempts;
  };
  std::deque<Seen> seen_;
};

TEST_P(RetryStormTest, NoSecondHasManyMoreAttemptsThanCalls) {
  auto fleet = BackendFleet::Start(std::get<0>(GetParam()));
  ASSERT_TRUE(fleet.ok()) << fleet.status();
  // With a backend out there would be fewer retries, for another reason.
  auto client = UsersClient::Make((*fleet)->StaticTarget(),
                                  ServiceConfig(kFailedCallsDoNotCount));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->ConnectTo((*fleet)->addresses()));

  std::atomic<int64_t> calls{0};
  const absl::Time start = absl::Now();
  BackgroundLoad load(**client, kThreads, [&calls, start](int64_t index) {
    // This sets the pace of the load.
    const absl::Time due = start + absl::Seconds(index / kCallsPerSecond);
    WaitUntil([due]() { return absl::Now() >= due; });
    calls.fetch_add(1);
    return UsersCall();
  });
  LastSecond last_second;
  const auto look_for = [&](int64_t more_calls) {
    const int64_t until = calls.load() + more_calls;
    return WaitUntil([&]() {
      // In this order, so that a call's attempts are not counted before it.
      const uint64_t attempts = (*client)->Attempts();
      last_second.Look(calls.load(), attempts);
      return calls.load() >= until;
    });
  };
  // The quiet time fills the budget.
  ASSERT_TRUE(look_for(2000));
  const uint64_t quiet = (*client)->Attempts();
  if (std::get<1>(GetParam()) == End::kKilled) {
    (*fleet)->KillAll();
  } else {
    for (size_t i = 0; i < (*fleet)->size(); ++i) {
      (*fleet)->SetBehaviour(i, Failing());
    }
  }
  ASSERT_TRUE(look_for(2000));
  EXPECT_GT(load.Stop().failed, 1000);
  if (std::get<1>(GetParam()) == End::kFailing) {
    EXPECT_GT((*client)->Attempts() - quiet, 2000u + 200u)
        << "the budget allows some retries";
  }
}

}  // namespace
}  // namespace multi_backend

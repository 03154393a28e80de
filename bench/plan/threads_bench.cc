// What does it cost that picks of one plan take turns, when eight threads make
// calls at once?
//
// A pick holds the plan's lock for a small part of the time that its call
// takes, so threads that make calls seldom meet there.  The rows "calls" show
// that: each thread picks and then works for as long as the client of a call
// does, and the CPU time of eight threads is compared with that of one thread
// which makes the same number of calls.  A thread that waits for the lock costs
// CPU time, because the kernel must put it to sleep and wake it.  The rows
// "picks alone" show the worst case, which no application has.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/lb_policy/backends/pool.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/lb_policy/plan/pick_plan.h"
#include "multi_backend/lb_policy/plan/testing/plan_inputs.h"
#include "multi_backend/proto/config/config.h"
#include "multi_backend/tests/testing/strategy_members.h"

namespace multi_backend {
namespace {

constexpr int kThreads = 8;
constexpr size_t kBackends = 10;
// Rounds of Mix64() that take about 20 us, as the client's part of a unary call
// does (68,000 instructions).
constexpr int kRoundsOfACall = 5000;
// Machines differ, and so do two runs on one of them.
constexpr double kFloor = 1.05;

double CpuNanos() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 +
         static_cast<double>(time.tv_nsec);
}

class Channel {
 public:
  explicit Channel(StrategyKind strategy) : pool_(BackendPool::Create()) {
    config_.root.strategy = strategy;
    std::vector<PlanEntry> entries;
    for (size_t i = 0; i < kBackends; ++i) {
      const std::string address = absl::StrCat("10.0.0.", i, ":1");
      entries.push_back(
          testing::ReadyEntry(*pool_, address, *Endpoint::Parse(address)));
    }
    plan_ =
        PickPlan::Make(testing::PlanArgs(config_, std::move(entries), clock_));
  }

  // Returns the CPU time of each of `calls` calls, which `threads` make.
  double Measure(int threads, int calls, int rounds) {
    const double start = CpuNanos();
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([this, t, calls = calls / threads, rounds] {
        MakeCalls(static_cast<uint64_t>(t), calls, rounds);
      });
    }
    for (std::thread& thread : running) thread.join();
    return (CpuNanos() - start) / calls;
  }

 private:
  void MakeCalls(uint64_t seed, int calls, int rounds) {
    uint64_t work = seed;
    for (int call = 0; call < calls; ++call) {
      PickRequest request;
      request.has_key = true;
      request.key_hash = Mix64(seed + static_cast<uint64_t>(call) % 256);
      const PickPlan::Result result = plan_->Pick(CallLabel(), request);
      Backend& backend = plan_->entries()[result.entry].backend();
      backend.BeginCall();
      for (int round = 0; round < rounds; ++round) work = Mix64(work + 1);
      backend.EndCall();
    }
    sink_.fetch_add(work, std::memory_order_relaxed);
  }

  const testing::ManualClock clock_;
  PolicyConfig config_;
  const std::shared_ptr<BackendPool> pool_;
  std::unique_ptr<const PickPlan> plan_;
  std::atomic<uint64_t> sink_{0};  // Keeps the work from being left out.
};

// Takes one thread and eight in turns, since the machine's speed changes, and
// returns the least of each.
void Compare(const BenchFlags& flags, StrategyKind strategy, bool with_calls,
             FloorTable& table) {
  const int rounds = with_calls ? kRoundsOfACall : 0;
  const int calls = flags.smoke ? 800 : with_calls ? 24'000 : 800'000;
  Channel channel(strategy);
  double one = 1e12;
  double many = 1e12;
  for (int turn = 0; turn < (flags.smoke ? 1 : 7); ++turn) {
    one = std::min(one, channel.Measure(1, calls, rounds));
    many = std::min(many, channel.Measure(kThreads, calls, rounds));
  }
  FloorTable::Row row;
  row.what = absl::StrCat(StrategyName(strategy),
                          with_calls ? ", calls" : ", picks alone");
  row.size = absl::StrCat(kThreads, "/1");
  row.ours = many;
  row.peer = one;
  if (with_calls) row.floor = kFloor;
  table.Add(row);
}

int Run(const BenchFlags& flags) {
  FloorTable table("threads", "nanoseconds of CPU, 8 threads / 1 thread");
  for (const bool with_calls : {true, false}) {
    for (const StrategyKind strategy : testing::kAllKinds) {
      if (flags.Wants(StrategyName(strategy))) {
        Compare(flags, strategy, with_calls, table);
      }
    }
  }
  return table.ExitCode(flags);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
}

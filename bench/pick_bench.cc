// What does one pick cost, through the real policy object, against stock gRPC's
// round_robin and ring_hash in the same process?
//
// A pick is what core asks of a picker: Pick() and the dropping of its result.
// The row "without tracker" picks without a call, as core's ping of a channel
// does; the row "whole attempt" adds Start() and Finish() of the call tracker,
// which stock has not.  Ours and the peer run in turns, and the median turn
// counts.
//
// A pick must not do more work in a longer list.  Its time grows all the same,
// because the backends of a long list do not fit into a core's cache, so that
// growth is judged by the instructions of a pick.  The bench counts them by
// running itself under callgrind.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/bench/instructions.h"
#include "multi_backend/bench/pick_calls.h"
#include "multi_backend/call/grpc/call_context.h"
#include "multi_backend/lb_policy/grpc/testing/policy_driver.h"
#include "multi_backend/lb_policy/grpc/testing/ready_channel.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/required_package.h"

namespace multi_backend {
namespace {

using grpc_core::ChannelArgs;
using grpc_core::LoadBalancingPolicy;
using Attributes = PickCalls::Attributes;

// Calls that are made before their picks are timed: few, because a call's
// context has just been made, and so is in the cache, when it is picked for.
constexpr size_t kBatch = 128;
// Distinct sticky keys: users that one client process is busy with at a time,
// and (shown only) so many that their slots no longer fit into a core's cache.
constexpr size_t kKeys = 2000;
constexpr size_t kManyKeys = 16384;

std::string OurConfig(absl::string_view strategy) {
  return absl::StrCat(R"([{"multi_backend":{"strategy":")", strategy,
                      R"("}}])");
}

// The floors.  A pick is 1.4 % of a call (about 970 of 68,000 instructions), so
// nobody notices twice its cost, and code that is clever for nanoseconds costs
// each reader more.  What a user would notice is a pick that grows with the
// number of backends, so the ratios hold at each size: what tracks an attempt
// may cost some allocation and counting beside a bare rotation, and STICKY must
// stay cheaper than what it replaces.
constexpr double kTrackedFloor = 5;
constexpr double kUntrackedFloor = 2;
constexpr double kStickyFloor = 0.8;
constexpr double kFlatFloor = 1.2;

constexpr absl::string_view kStrategies[] = {
    "ROUND_ROBIN", "LEAST_BUSY", "PEAK_EWMA", "WEIGHTED", "RANDOM", "PRIMARY"};

// The first argument of the process that JudgeGrowth() counts; the strategy
// and the number of backends follow.
constexpr char kMakePicks[] = "make_picks";
constexpr int kCountedBatches = 100;

struct Subject {
  std::unique_ptr<ReadyChannel> channel;
  Attributes attributes = Attributes::kNone;
  bool without_call = false;
  bool attempt = false;  // Start() and Finish() too.
};

Subject MakeSubject(const std::string& config, size_t n,
                    Attributes attributes) {
  Subject subject;
  ChannelArgs args;
  if (attributes == Attributes::kContext) {
    args = args.SetObject(grpc_core::MakeRefCounted<ChannelRetryState>());
  }
  subject.channel = std::make_unique<ReadyChannel>(config, args);
  subject.channel->Update(PolicyDriver::Addresses(n));
  subject.channel->OpenRest();
  subject.attributes = attributes;
  return subject;
}

// One attempt's life after its pick, as core drives it.
void RunAttempt(LoadBalancingPolicy::PickResult& result) {
  auto* complete =
      absl::get_if<LoadBalancingPolicy::PickResult::Complete>(&result.result);
  if (complete->subchannel_call_tracker == nullptr) return;
  complete->subchannel_call_tracker->Start();
  complete->subchannel_call_tracker->Finish(
      {absl::OkStatus(), nullptr, nullptr});
}

// Nanoseconds per pick of one batch.
double TimeBatch(const Subject& subject, PickCalls& calls,
                 const std::vector<uint64_t>& keys) {
  calls.Renew(subject.attributes, keys);
  auto* picker = subject.channel->picker();
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < kBatch; ++i) {
    calls.Select(i);
    LoadBalancingPolicy::PickArgs args = calls.args();
    if (subject.without_call) args.call_state = nullptr;
    LoadBalancingPolicy::PickResult result = picker->Pick(args);
    if (subject.attempt) RunAttempt(result);
  }
  const std::chrono::duration<double, std::nano> spent =
      std::chrono::steady_clock::now() - start;
  return spent.count() / kBatch;
}

class Bench {
 public:
  explicit Bench(const BenchFlags& flags)
      : turns_(flags.smoke ? 20 : 3000), calls_(kBatch) {
    SetKeys(kKeys);
  }

  void SetKeys(size_t count) {
    std::mt19937_64 random(1);
    keys_.clear();
    for (size_t i = 0; i < count; ++i) keys_.push_back(random());
  }

  // In turns, each right after the other: the machine's speed changes from one
  // moment to the next.  Returns the times of the turn with the median ratio.
  std::pair<double, double> Compare(const Subject& ours, const Subject& peer) {
    Warm(ours);
    Warm(peer);
    std::vector<std::pair<double, double>> times;
    for (int turn = 0; turn < turns_; ++turn) {
      const std::vector<uint64_t>& keys = KeysOfTurn(turn);
      const double our_time = TimeBatch(ours, calls_, keys);
      times.emplace_back(our_time, TimeBatch(peer, calls_, keys));
    }
    const auto median = times.begin() + times.size() / 2;
    std::nth_element(times.begin(), median, times.end(),
                     [](const std::pair<double, double>& a,
                        const std::pair<double, double>& b) {
                       return a.first * b.second < b.first * a.second;
                     });
    return *median;
  }

 private:
  void Warm(const Subject& subject) {
    for (size_t at = 0; at < keys_.size(); at += kBatch) {
      TimeBatch(subject, calls_, KeysOfTurn(static_cast<int>(at / kBatch)));
    }
  }
  // Each turn has other ones of the keys, so that caches see them all.
  const std::vector<uint64_t>& KeysOfTurn(int turn) {
    turn_keys_.clear();
    for (size_t i = 0; i < kBatch; ++i) {
      turn_keys_.push_back(keys_[(turn * kBatch + i) % keys_.size()]);
    }
    return turn_keys_;
  }

  const int turns_;
  PickCalls calls_;
  std::vector<uint64_t> keys_;
  std::vector<uint64_t> turn_keys_;
};

int Run(const BenchFlags& flags) {
  // Never flushed: stock ring_hash leaves work in it that crashes when it runs.
  static grpc_core::ExecCtx exec_ctx;
  Bench bench(flags);
  FloorTable table("pick", "nanoseconds");
  const std::vector<size_t> sizes =
      flags.smoke ? std::vector<size_t>{10, 100}
                  : std::vector<size_t>{10, 100, 1000, 10000};
  auto row = [&table](absl::string_view what, size_t n,
                      const std::pair<double, double>& result,
                      absl::optional<double> floor) {
    table.Add({std::string(what), absl::StrCat(n), result.first, result.second,
               floor});
  };
  for (size_t n : sizes) {
    if (!flags.Wants("ROUND_ROBIN")) break;
    const Subject stock =
        MakeSubject(R"([{"round_robin":{}}])", n, Attributes::kNone);
    row("ROUND_ROBIN / round_robin", n,
        bench.Compare(
            MakeSubject(OurConfig("ROUND_ROBIN"), n, Attributes::kNone), stock),
        kTrackedFloor);
    Subject without_call =
        MakeSubject(OurConfig("ROUND_ROBIN"), n, Attributes::kNone);
    without_call.without_call = true;
    row("ROUND_ROBIN without tracker / round_robin", n,
        bench.Compare(without_call, stock), kUntrackedFloor);
    Subject attempt =
        MakeSubject(OurConfig("ROUND_ROBIN"), n, Attributes::kNone);
    attempt.attempt = true;
    row("ROUND_ROBIN, whole attempt / round_robin", n,
        bench.Compare(attempt, stock), absl::nullopt);
  }
  for (size_t n : sizes) {
    if (!flags.Wants("STICKY")) break;
    const Subject ours =
        MakeSubject(OurConfig("STICKY"), n, Attributes::kContext);
    const Subject stock = MakeSubject(R"([{"ring_hash_experimental":{}}])", n,
                                      Attributes::kRingHash);
    bench.SetKeys(kKeys);
    row("STICKY / ring_hash", n, bench.Compare(ours, stock), kStickyFloor);
    bench.SetKeys(kManyKeys);
    row("STICKY / ring_hash, 16,384 keys", n, bench.Compare(ours, stock),
        absl::nullopt);
    bench.SetKeys(kKeys);
  }
  for (absl::string_view strategy : kStrategies) {
    // Against itself at 100 members.
    for (size_t n : sizes) {
      if (n == 100 || !flags.Wants(strategy)) continue;
      row(absl::StrCat(strategy, " / itself at 100"), n,
          bench.Compare(
              MakeSubject(OurConfig(strategy), n, Attributes::kNone),
              MakeSubject(OurConfig(strategy), 100, Attributes::kNone)),
          absl::nullopt);
    }
  }
  return table.ExitCode(flags);
}

// The part of MakePicks() that is counted.  How much work the rest takes
// depends on how the threads that open a long list take turns.
ABSL_ATTRIBUTE_NOINLINE void CountedPicks(const Subject& subject,
                                          PickCalls& calls) {
  for (size_t i = 0; i < kBatch; ++i) {
    subject.channel->picker()->Pick(calls.args());
  }
}

// Runs as a process of its own, under callgrind.
int MakePicks(absl::string_view strategy, size_t n) {
  static grpc_core::ExecCtx exec_ctx;
  const Subject subject =
      MakeSubject(OurConfig(strategy), n, Attributes::kNone);
  PickCalls calls(kBatch);
  for (int made = 0; made < kCountedBatches; ++made) {
    calls.Renew(subject.attributes, {});
    calls.Select(0);
    CountedPicks(subject, calls);
  }
  return 0;
}

// Adds to the exit code of Run(), which says whether a floor was missed.
int JudgeGrowth(const BenchFlags& flags, const std::string& program) {
  if (!ValgrindIsInstalled()) {
    return ExitCodeWithoutPackage(kHowToInstallValgrind);
  }
  const size_t large = flags.smoke ? 200 : 10000;
  auto instructions = [&program](absl::string_view strategy, size_t n) {
    return CountInstructions(
               {program, kMakePicks, std::string(strategy), absl::StrCat(n)},
               "*CountedPicks*") /
           (kCountedBatches * kBatch);
  };
  FloorTable table("pick", "instructions");
  for (absl::string_view strategy : kStrategies) {
    if (!flags.Wants(strategy)) continue;
    // One row shows that the counting works.
    if (flags.smoke && strategy != kStrategies[0]) continue;
    table.Add({absl::StrCat(strategy, " / itself at 100"), absl::StrCat(large),
               instructions(strategy, large), instructions(strategy, 100),
               kFlatFloor});
  }
  return table.ExitCode(flags);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  if (!multi_backend::Register().ok()) return 1;
  grpc_init();
  int code;
  if (argc == 4 && absl::string_view(argv[1]) == multi_backend::kMakePicks) {
    code = multi_backend::MakePicks(argv[2], std::atoi(argv[3]));
  } else {
    const auto flags = multi_backend::BenchFlags::Parse(argc, argv);
    code = multi_backend::Run(flags);
    code |= multi_backend::JudgeGrowth(flags, argv[0]);
  }
  // See Run() for why nothing of core is taken down.
  std::fflush(stdout);
  std::quick_exit(code);
}

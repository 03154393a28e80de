// How well do the strategies spread calls?  The figures do not depend on the
// machine, and each has a bound.
//
//   bazel run -c opt //bench:quality -- --check
//
// Everything runs with fixed seeds, so a figure changes only with the code.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/lb_policy/fast_random.h"
#include "multi_backend/tests/testing/latency_simulation.h"
#include "multi_backend/tests/testing/strategy_members.h"
#include "multi_backend/tests/testing/window_fairness.h"

namespace multi_backend {
namespace {

using testing::LatencySimulation;
using testing::ListedStrategy;
using testing::RequestWithKey;
using testing::SimulationOptions;
using testing::StrategyMembers;

// The amount of work.  A smoke run must end within a second or two.
struct Effort {
  uint32_t keys;
  std::vector<size_t> sticky_sizes;
  int windows;
  absl::Duration simulated;
};

std::vector<uint64_t> MakeKeys(uint32_t count) {
  FastRandom random(2);
  std::vector<uint64_t> keys(count);
  for (uint64_t& key : keys) key = random.Next();
  return keys;
}

std::vector<size_t> PickAll(ListedStrategy& strategy,
                            const std::vector<uint64_t>& keys) {
  std::vector<size_t> picks;
  picks.reserve(keys.size());
  for (const uint64_t key : keys) {
    picks.push_back(strategy.Pick(RequestWithKey(key)));
  }
  return picks;
}

// Returns the number of keys that moved although `one` neither had nor took
// them.
uint64_t ExtraMoves(const std::vector<size_t>& before,
                    const std::vector<size_t>& after, size_t one) {
  uint64_t extra = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    extra += before[i] != after[i] && before[i] != one && after[i] != one;
  }
  return extra;
}

void MeasureSticky(const Effort& effort, BoundTable& table) {
  const std::vector<uint64_t> keys = MakeKeys(effort.keys);
  for (const size_t size : effort.sticky_sizes) {
    StrategyMembers members = StrategyMembers::Equal(size);
    ListedStrategy all = members.Make(StrategyKind::kSticky);
    const auto before = PickAll(all, keys);

    std::vector<uint64_t> counts(size);
    for (const size_t picked : before) ++counts[picked];
    const double mean = static_cast<double>(keys.size()) / size;
    const double fullest =
        static_cast<double>(*std::max_element(counts.begin(), counts.end()));
    const double bound = size <= 10 ? 1.05 : size <= 100 ? 1.10 : 1.20;
    const auto name = [size](absl::string_view figure) {
      return absl::StrCat("STICKY ", figure, ", of ", size);
    };
    table.AtMost(name("max/mean keys"), fullest / mean, {}, bound);

    const size_t one = size / 2;
    ListedStrategy fewer = members.MakeNext(all, members.EverybodyBut(one));
    const auto without = PickAll(fewer, keys);
    table.AtMost(name("keys moved extra, one removed"),
                 ExtraMoves(before, without, one), {}, 0);
    ListedStrategy again = members.MakeNext(fewer, members.Everybody());
    const auto with = PickAll(again, keys);
    table.AtMost(name("keys moved extra, one added"),
                 ExtraMoves(without, with, one), {}, 0);
    table.AtMost(name("keys not back after both"),
                 ExtraMoves(before, with, Strategy::kNone), {}, 0);
  }
}

struct WeightsCase {
  const char* figure;
  std::vector<uint32_t> weights;
};

std::vector<WeightsCase> WeightsCases() {
  std::vector<WeightsCase> cases = {
      {"WEIGHTED window error, 1 : 2 : 3", {1, 2, 3}},
      {"WEIGHTED window error, 997 : 991 : 3 : 2", {997, 991, 3, 2}},
      {"WEIGHTED window error, 1000 x 3 : 3000", {1000, 1000, 1000, 3000}},
      {"WEIGHTED window error, all distinct", {}},
      {"WEIGHTED window error, one heavy : many light", {}}};
  for (uint32_t i = 1; i <= 300; ++i) cases[3].weights.push_back(i);
  cases[4].weights.assign(1000, 1);
  cases[4].weights.push_back(1000);
  return cases;
}

void MeasureWeighted(const Effort& effort, BoundTable& table) {
  for (const WeightsCase& c : WeightsCases()) {
    StrategyMembers members(c.weights);
    ListedStrategy strategy = members.Make(StrategyKind::kWeighted);
    size_t sum = 0;
    for (const uint32_t weight : c.weights) sum += weight;
    std::vector<size_t> picks;
    for (size_t i = 0; i < sum * effort.windows; ++i) {
      picks.push_back(strategy.Pick());
    }
    table.AtMost(c.figure, testing::WorstWindowError(picks, c.weights), {}, 3);
  }
}

// Ten backends, 20 clients and a load of 75 %.
SimulationOptions SimulatedFleet() {
  SimulationOptions options;
  options.config.strategy = StrategyKind::kPeakEwma;
  options.arrival_rate = 0.75 * 9.1 * options.calls_at_a_time /
                         absl::ToDoubleSeconds(options.mean_service);
  return options;
}

void MeasurePeakEwma(const Effort& effort, BoundTable& table) {
  LatencySimulation slow(SimulatedFleet());
  slow.SetSlowness(0, 10);
  slow.Run(absl::Seconds(2));
  table.AtMost("PEAK_EWMA share of one 10 x slower",
               slow.Run(effort.simulated).Share(0), {}, 0.001);
  slow.SetSlowness(0, 1);
  slow.Run(absl::Seconds(4));
  table.AtLeast("PEAK_EWMA its share 5 s after healing",
                slow.Run(absl::Seconds(1)).Share(0), {}, 0.05);

  LatencySimulation failing(SimulatedFleet());
  failing.Run(absl::Seconds(1));
  failing.SetFailing(3, true);
  table.AtMost("PEAK_EWMA share of one that fails fast",
               failing.Run(effort.simulated).Share(3), {}, 0.1);
}

int Run(const BenchFlags& flags) {
  Effort effort{2000000, {10, 100, 1000}, 4, absl::Seconds(60)};
  if (flags.smoke) effort = {100000, {10, 100}, 2, absl::Seconds(5)};
  BoundTable table("quality");
  MeasureSticky(effort, table);
  MeasureWeighted(effort, table);
  MeasurePeakEwma(effort, table);
  return table.ExitCode(flags.check);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
}

// Row 6: 100 to 8,000 backends, which are addresses of 127/8 with one server
// process behind them.

#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/peers/namespace.h"
#include "multi_backend/bench/peers/report/svg_plot.h"
#include "multi_backend/bench/peers/rows/rows.h"
#include "multi_backend/tests/testing/process_usage.h"

namespace multi_backend {
namespace {

constexpr char kOurs[] = "ours, round robin";
constexpr char kStock[] = "stock round_robin";
constexpr absl::Duration kConnectTimeout = absl::Seconds(120);

// A server needs a descriptor for each connection.
bool HasDescriptorsFor(size_t backends) {
  rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
         limit.rlim_cur >= backends + 200;
}

bool WaitUntilConnected(int port, size_t backends, absl::Duration timeout) {
  // A look at all sockets of the machine takes some milliseconds.
  constexpr absl::Duration kInterval = absl::Milliseconds(100);
  const absl::Time end = absl::Now() + timeout;
  while (ConnectionsTo({port}) < static_cast<int>(backends)) {
    if (absl::Now() > end) return false;
    absl::SleepFor(kInterval);
  }
  return true;
}

// A connection is established before both sides have said hello, so the client
// works on after that.
void WaitUntilIdle(Peer& peer, absl::Duration timeout) {
  const absl::Time end = absl::Now() + timeout;
  while (peer.Do("idle 0.5").at("cores") > 0.01 && absl::Now() < end) {
  }
}

// Starts a client and a server, connects all, and updates the list.
Figures MeasureClient(const std::string& name, size_t backends,
                      const RowOptions& options) {
  // Only this process and its children are in the namespace, so nobody else
  // can reach the server.
  const auto fleet = StartFleet(1, {"--host", "0.0.0.0"});
  const int port = fleet->server(0).port();
  Peer peer = Pushed(name, name == kOurs);
  const auto update = [&](int generation, double settle) {
    return peer.Do(absl::StrCat("list ", port, " ", backends, " ", generation,
                                " ", settle));
  };
  update(0, 0);
  const Figures before = peer.Do("usage");
  Figures figures;
  figures["first_ms"] = peer.Do("connect 1").at("first_ms");
  if (!WaitUntilConnected(port, backends, kConnectTimeout)) {
    Die(absl::StrCat(name, " does not connect to ", backends, " backends"));
  }
  WaitUntilIdle(peer, kConnectTimeout / 2);
  const Figures after = peer.Do("usage");
  figures["connect_cpu_ms"] = 1000 * (after.at("cpu_s") - before.at("cpu_s"));
  figures["connect_mib"] = after.at("rss_mib") - before.at("rss_mib");
  const double settle = backends > 1000 ? 1.5 : 0.5;
  std::vector<double> unchanged, churn;
  for (int i = 0; i < (options.smoke ? 1 : 5); ++i) {
    unchanged.push_back(update(i, settle).at("cpu_ms"));
    churn.push_back(update(i + 1, settle).at("cpu_ms"));
  }
  figures["unchanged_ms"] = Median(unchanged);
  figures["churn_ms"] = Median(churn);
  return figures;
}

struct Measure {
  std::string what;
  std::string figure;
  Goal goal;
};

const std::vector<Measure>& Measures() {
  using Kind = Goal::Kind;
  static const auto* const measures = new std::vector<Measure>{
      {"first call, ms", "first_ms", {}},
      {"connecting all: CPU, ms", "connect_cpu_ms", {Kind::kCostAtMost, 1.1}},
      {"connecting all: memory, MiB", "connect_mib", {Kind::kCostAtMost, 1.1}},
      {"unchanged update: CPU, ms", "unchanged_ms", {Kind::kCostAtMost, 0.05}},
      {"1 % churn: CPU, ms", "churn_ms", {Kind::kCostAtMost, 0.05}},
  };
  return *measures;
}

Turns MeasureBoth(size_t backends, const RowOptions& options) {
  const int times = options.smoke || backends > 1000 ? 1 : 3;
  Turns turns;
  for (int turn = 0; turn < times; ++turn) {
    for (const char* name : {kOurs, kStock}) {
      turns.Add(name, MeasureClient(name, backends, options));
    }
  }
  return turns;
}

// Adds the times of updates with so many backends to the lines.
void AddPoints(size_t backends, const Turns& turns,
               std::vector<SvgPlot::Series>& lines) {
  size_t line = 0;
  for (const char* name : {kOurs, kStock}) {
    for (const char* figure : {"unchanged_ms", "churn_ms"}) {
      lines[line++].points.push_back(
          {static_cast<double>(backends), Median(turns.Of(name, figure))});
    }
  }
}

}  // namespace

void RunScale(const RowOptions& options, ResultTable& table) {
  if (!IsInNetworkNamespace()) {
    std::fprintf(stderr,
                 "NOT MEASURED: row 6, which needs a network namespace\n");
    return;
  }
  std::vector<SvgPlot::Series> lines = {{"ours, unchanged update", {}},
                                        {"ours, 1 % churn", {}},
                                        {"stock, unchanged update", {}},
                                        {"stock, 1 % churn", {}}};
  double fewest_first = 0;  // The first call's time with the fewest backends.
  for (const size_t backends : options.smoke
                                   ? std::vector<size_t>{100}
                                   : std::vector<size_t>{100, 1000, 8000}) {
    if (!HasDescriptorsFor(backends)) {
      std::fprintf(stderr,
                   "NOT MEASURED: %zu backends, which need more descriptors "
                   "(ulimit -n)\n",
                   backends);
      continue;
    }
    const Turns turns = MeasureBoth(backends, options);
    for (const Measure& measure : Measures()) {
      table.Compare(absl::StrCat(backends, " backends, ", measure.what), turns,
                    measure.figure, kOurs, kStock, {}, measure.goal);
    }
    const double first = Median(turns.Of(kOurs, "first_ms"));
    if (fewest_first == 0) {
      fewest_first = first;
    } else {
      // The time does not depend on n if it stays below twice that of 100.
      table.Ratio(absl::StrCat(backends, " backends, first call, ms"), kOurs,
                  first, "ours, 100 backends", fewest_first,
                  {Goal::Kind::kCostAtMost, 2});
    }
    AddPoints(backends, turns, lines);
  }
  SvgPlot plot("CPU of the client for one update", "backends", "ms",
               /*log_x=*/true);
  for (SvgPlot::Series& line : lines) plot.Add(std::move(line));
  plot.WriteTo(options.plots, "scale.svg");
}

}  // namespace multi_backend

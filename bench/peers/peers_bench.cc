// What does a call cost, and what does a user win, against everything that the
// user would take instead: stock gRPC's policies of the same release, several
// application channels, a proxy on the same machine?
//
//   bazel run -c opt //bench:peers -- --check
//   bazel run -c opt //bench:peers -- --row=4 --plots=/tmp
//
// Ours and the peers run in the same run and in turns, each as a client process
// of its own, against servers in processes of their own.  A line has the median
// of the paired ratios with its 95 % interval, and each comparison a line with
// two equal peers (A/A), which says how noisy the machine was.
// docs/performance.md explains the rows and has the results of one run.

#include <grpcpp/grpcpp.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "multi_backend/bench/peers/namespace.h"
#include "multi_backend/bench/peers/proxy.h"
#include "multi_backend/bench/peers/rows/rows.h"

namespace multi_backend {
namespace {

struct BenchRow {
  int number;
  void (*run)(const RowOptions& options, ResultTable& table);
};

constexpr BenchRow kRows[] = {
    {1, RunCost},   {2, RunConnections}, {3, RunThreads}, {4, RunGreyFailure},
    {5, RunFaults}, {6, RunScale},       {7, RunIdle},    {8, RunCold},
};

// Other work on the machine shows in its load.
std::string LoadAverage() {
  std::ifstream file("/proc/loadavg");
  std::string one_minute;
  file >> one_minute;
  return one_minute;
}

void PrintMachine() {
  std::printf(
      "%s; %u cores, load %s; gRPC %s",
      absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::Now(), absl::UTCTimeZone())
          .c_str(),
      std::thread::hardware_concurrency(), LoadAverage().c_str(),
      grpc::Version().c_str());
  for (const Proxy::Kind kind : {Proxy::Kind::kHaproxy, Proxy::Kind::kNginx}) {
    if (!Proxy::Installed(kind)) continue;
    std::printf("; %s", Proxy::Version(kind).c_str());
  }
  std::printf("\n\n");
}

int Run(const RowOptions& options, int only, bool check) {
  PrintMachine();
  ResultTable table(/*judges=*/!options.smoke);
  const absl::Time begin = absl::Now();
  for (const BenchRow& row : kRows) {
    if (only != 0 && only != row.number) continue;
    table.BeginRow(row.number);
    row.run(options, table);
  }
  std::printf("\nThis took %.0f s.  The load is now %s.\n",
              absl::ToDoubleSeconds(absl::Now() - begin),
              LoadAverage().c_str());
  return table.ExitCode(check);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  // Before there is a second thread.
  multi_backend::EnterNetworkNamespace();
  // gRPC's log of backends that fail is long; clients say why calls were lost.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app("Whole calls, beside what a user would take instead");
  multi_backend::RowOptions options;
  int only = 0;
  bool check = false;
  app.add_flag("--smoke", options.smoke, "a short run without goals for time");
  app.add_flag("--check", check, "exit with 1 when a goal is missed");
  app.add_option("--row", only, "only this row")->check(CLI::Range(1, 8));
  app.add_option("--plots", options.plots, "the directory for SVG plots")
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  return multi_backend::Run(options, only, check);
}

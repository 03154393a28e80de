// What callers notice when backends die, hang, flap and come back: each fault
// in front of this library and of gRPC's round_robin with its best settings
// (retries, keepalive), with real backend processes, and the bound that ours
// has to keep.
//
//   bazel run -c opt //bench:fault -- --check
//   bazel run -c opt //bench:fault -- --scenario sigstop

#include <cstdio>
#include <string>

#include "CLI/CLI.hpp"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/fault_scenario.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

struct Scenario {
  const char* name;
  void (*run)(const FaultOptions&, BoundTable&);
};

constexpr Scenario kScenarios[] = {
    {"sigkill", RunSigkill},      {"sigstop", RunSigstop},
    {"all-killed", RunAllKilled}, {"retry-storm", RunRetryStorm},
    {"flapping", RunFlapping},    {"ejection", RunEjection},
    {"probes", RunProbes},        {"churn", RunChurn},
};

int Run(const FaultOptions& options, const std::string& only, bool check) {
  BoundTable table("fault");
  bool found = false;
  for (const Scenario& scenario : kScenarios) {
    if (!only.empty() && only != scenario.name) continue;
    found = true;
    scenario.run(options, table);
  }
  if (!found) {
    std::fprintf(stderr, "no scenario %s\n", only.c_str());
    return 2;
  }
  return table.ExitCode(check);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  CLI::App app("What callers notice of backends that die, hang and flap");
  multi_backend::FaultOptions options;
  std::string only;
  bool check = false;
  app.add_flag("--smoke", options.smoke, "a tenth of the time and of the load");
  app.add_flag("--check", check, "exit with 1 when a bound is missed");
  app.add_option("--scenario", only, "only this one");
  app.add_option("--rate", options.rate, "calls per second");
  CLI11_PARSE(app, argc, argv);
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::Run(options, only, check);
}

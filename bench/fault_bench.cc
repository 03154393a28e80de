// What do callers notice when backends die, hang, flap and come back?  Plays
// each fault with real backend processes, for this library and for gRPC's
// round_robin with its best settings (retries, keepalive), and checks the
// bounds for this library.
//
//   bazel run -c opt //bench:fault -- --check
//   bazel run -c opt //bench:fault -- --scenario sigstop

#include <string>

#include "CLI/CLI.hpp"
#include "multi_backend/bench/fault_scenario.h"
#include "multi_backend/bench/scenarios.h"
#include "multi_backend/multi_backend.h"

namespace multi_backend {
namespace {

constexpr Scenario<FaultOptions> kScenarios[] = {
    {"sigkill", RunSigkill},      {"sigstop", RunSigstop},
    {"all-killed", RunAllKilled}, {"retry-storm", RunRetryStorm},
    {"flapping", RunFlapping},    {"ejection", RunEjection},
    {"probes", RunProbes},        {"churn", RunChurn},
};

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
  return multi_backend::RunScenarios("fault", multi_backend::kScenarios, only,
                                     options, check);
}

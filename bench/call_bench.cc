// What does a whole unary call cost the client, in instructions, against stock
// round_robin?
//
// call_instructions.h says how they are counted.  "everything on" is the
// service config in everything_on.json, which --verbose prints, with metrics.
// What observers add has bounds of its own: a sink that does nothing, and the
// trails of one call in a hundred.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "multi_backend/bench/bound_table.h"
#include "multi_backend/bench/calls/call_instructions.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/calls/quantiles.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/bench/instructions.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/required_package.h"

namespace multi_backend {
namespace {

int Run(const BenchFlags& flags) {
  if (!ValgrindIsInstalled()) {
    return ExitCodeWithoutPackage(kHowToInstallValgrind);
  }
  if (flags.verbose) {
    std::ostringstream json;
    json << std::ifstream(EverythingOnFile()).rdbuf();
    std::printf("everything on: %s\n", json.str().c_str());
  }
  const auto fleet = ValueOrDie(BackendFleet::Start(2));
  const std::string addresses = absl::StrJoin(fleet->addresses(), ",");
  const int few = flags.smoke ? 20 : 300;
  const int many = flags.smoke ? 120 : 2300;
  auto per_call = [&](const std::string& mode) {
    return CallInstructions(mode, few, many, addresses);
  };
  // How often the client wakes up is up to the kernel, and moves a figure by
  // one percent; so all are taken in turns, and the median turn of each counts.
  const int turns = flags.smoke ? 1 : 5;
  std::vector<double> stock, policy, full, metrics, sinks, trails;
  for (int turn = 0; turn < turns; ++turn) {
    stock.push_back(per_call("stock"));
    policy.push_back(per_call("policy"));
    full.push_back(per_call("full"));
    metrics.push_back(per_call("metrics"));
    sinks.push_back(per_call("sinks"));
    trails.push_back(per_call("trails"));
  }
  FloorTable table("call", "instructions a call, client side");
  table.Add(
      {"policy alone / round_robin", "2", Median(policy), Median(stock), 1.02});
  table.Add({"everything on / round_robin", "2", Median(metrics), Median(stock),
             1.10});
  BoundTable more("observed calls, in further instructions a call");
  more.AtMost("metrics on / no sink", Median(metrics) - Median(full), {}, 400);
  more.AtMost("sinks on / no sink", Median(sinks) - Median(full), {}, 200);
  more.AtMost("trails of 1 % / sinks on", Median(trails) - Median(sinks), {},
              100);
  return std::max(table.ExitCode(flags), more.ExitCode(flags.check));
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
}

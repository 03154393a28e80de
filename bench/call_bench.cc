// What does a whole unary call cost the client, in instructions, against stock
// round_robin?
//
// //bench:call_client runs under callgrind with two numbers of calls, against
// real servers in processes of their own; the difference over the difference is
// one call, without start-up.  "everything on" is the service config in
// everything_on.json, which --verbose prints.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "multi_backend/bench/floor_table.h"
#include "multi_backend/multi_backend.h"
#include "multi_backend/tests/testing/backend_fleet.h"
#include "multi_backend/tests/testing/required_package.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {
namespace {

constexpr char kValgrind[] = "/usr/bin/valgrind";

std::string EverythingOnFile() {
  return RunfilePath("bench/everything_on.json");
}

// Instructions of one run of the client, by callgrind's own closing line;
// dies with the output when there is none.
double Instructions(const std::string& mode, int calls,
                    const std::string& addresses) {
  const std::string command = absl::StrCat(
      kValgrind, " --tool=callgrind --callgrind-out-file=/dev/null ",
      RunfilePath("bench/call_client"), " ", mode, " ", calls, " ", addresses,
      " ", EverythingOnFile(), " 2>&1");
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof(buffer), pipe)) {
    output += buffer;
  }
  const int exit_code = pipe == nullptr ? -1 : pclose(pipe);
  const size_t at = output.find("Collected : ");
  double instructions = 0;
  if (exit_code != 0 || at == std::string::npos ||
      !absl::SimpleAtod(output.substr(at + 12, output.find('\n', at) - at - 12),
                        &instructions)) {
    std::fprintf(stderr, "%s\nexit %d:\n%s\n", command.c_str(), exit_code,
                 output.c_str());
    std::exit(1);
  }
  return instructions;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2,
                   values.end());
  return values[values.size() / 2];
}

int Run(const BenchFlags& flags) {
  if (access(kValgrind, X_OK) != 0) {
    return ExitCodeWithoutPackage(
        "valgrind is not installed (package valgrind): run tools/setup "
        "--tests");
  }
  if (flags.verbose) {
    std::ostringstream json;
    json << std::ifstream(EverythingOnFile()).rdbuf();
    std::printf("everything on: %s\n", json.str().c_str());
  }
  auto fleet = BackendFleet::Start(2);
  if (!fleet.ok()) {
    std::fprintf(stderr, "%s\n", fleet.status().ToString().c_str());
    return 1;
  }
  const std::string addresses = absl::StrJoin((*fleet)->addresses(), ",");
  const int few = flags.smoke ? 20 : 300;
  const int many = flags.smoke ? 120 : 2300;
  auto per_call = [&](const std::string& mode) {
    return (Instructions(mode, many, addresses) -
            Instructions(mode, few, addresses)) /
           (many - few);
  };
  // How often the client wakes up is up to the kernel, and moves a figure by
  // one percent; so all are taken in turns, and the median turn of each counts.
  const int turns = flags.smoke ? 1 : 5;
  std::vector<double> stock, policy, full;
  for (int turn = 0; turn < turns; ++turn) {
    stock.push_back(per_call("stock"));
    policy.push_back(per_call("policy"));
    full.push_back(per_call("full"));
  }
  FloorTable table("call", "instructions a call, client side");
  table.Add(
      {"policy alone / round_robin", "2", Median(policy), Median(stock), 1.02});
  table.Add(
      {"everything on / round_robin", "2", Median(full), Median(stock), 1.10});
  return table.ExitCode(flags);
}

}  // namespace
}  // namespace multi_backend

int main(int argc, char** argv) {
  if (!multi_backend::Register().ok()) return 1;
  return multi_backend::Run(multi_backend::BenchFlags::Parse(argc, argv));
}

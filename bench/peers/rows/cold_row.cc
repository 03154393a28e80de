// Row 8: from the start of a process to its first answer, and how large the
// program is.

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "multi_backend/bench/calls/die.h"
#include "multi_backend/bench/peers/rows/rows.h"
#include "multi_backend/tests/testing/server_process.h"

namespace multi_backend {
namespace {

struct Program {
  std::string name;
  std::string path;
};

// Milliseconds until the program has its first answer.
double TimeToAnswer(const Program& program, const std::string& address) {
  const absl::Time start = absl::Now();
  std::FILE* const pipe =
      popen(absl::StrCat(program.path, " ", address).c_str(), "r");
  char line[256] = {};
  const bool answered = pipe != nullptr &&
                        std::fgets(line, sizeof(line), pipe) != nullptr &&
                        std::string(line) == "answered\n";
  const absl::Duration took = absl::Now() - start;
  if (pipe != nullptr) pclose(pipe);
  if (!answered) Die(absl::StrCat(program.path, ": ", line));
  return absl::ToDoubleMilliseconds(took);
}

}  // namespace

void RunCold(const RowOptions& options, ResultTable& table) {
  const auto fleet = StartFleet(1);
  const std::vector<Program> programs = {
      {"stock round_robin", RunfilePath("bench/peers/cold_stock")},
      {"stock round_robin again", RunfilePath("bench/peers/cold_stock")},
      {"ours, //:core", RunfilePath("bench/peers/cold_core")},
      {"ours, //:multi_backend", RunfilePath("bench/peers/cold_everything")},
  };
  Turns turns;
  for (int turn = 0; turn < (options.smoke ? 1 : 25); ++turn) {
    for (const Program& program : programs) {
      turns.Add(program.name,
                {{"ms", TimeToAnswer(program, fleet->address(0))}});
    }
  }
  const std::string& stock = programs[0].name;
  const std::string what = "process start to first answer, ms";
  const auto aa = table.Aa(what, turns, "ms", programs[1].name, stock);
  for (size_t i = 2; i < programs.size(); ++i) {
    table.Compare(what, turns, "ms", programs[i].name, stock, aa);
  }
  const auto mib = [](const Program& program) {
    return static_cast<double>(std::filesystem::file_size(program.path)) /
           1048576;
  };
  for (size_t i = 2; i < programs.size(); ++i) {
    table.Ratio("size of a program with one call, MiB", programs[i].name,
                mib(programs[i]), stock, mib(programs[0]));
  }
}

}  // namespace multi_backend

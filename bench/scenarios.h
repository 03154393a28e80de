// RunScenarios: the table of a bench that consists of named scenarios.
//
//   constexpr Scenario<Options> kScenarios[] = {{"burst", RunBurst}, …};
//   return RunScenarios("backlog", kScenarios, only, options, check);
#ifndef MULTI_BACKEND_BENCH_SCENARIOS_H_
#define MULTI_BACKEND_BENCH_SCENARIOS_H_

#include <cstddef>
#include <cstdio>
#include <string>

#include "multi_backend/bench/bound_table.h"

namespace multi_backend {

template <typename Options>
struct Scenario {
  const char* name;
  void (*run)(const Options&, BoundTable&);
};

// Runs all scenarios, or only the one named `only`.  Returns main()'s exit
// code.
template <typename Options, size_t n>
int RunScenarios(const std::string& title,
                 const Scenario<Options> (&scenarios)[n],
                 const std::string& only, const Options& options, bool check) {
  BoundTable table(title);
  bool found = false;
  for (const Scenario<Options>& scenario : scenarios) {
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

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_SCENARIOS_H_

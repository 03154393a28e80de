// CountInstructions(): how many instructions a program executes, which unlike
// its time is the same on a busy machine.
#ifndef MULTI_BACKEND_BENCH_INSTRUCTIONS_H_
#define MULTI_BACKEND_BENCH_INSTRUCTIONS_H_

#include <string>
#include <vector>

namespace multi_backend {

bool ValgrindIsInstalled();
constexpr char kHowToInstallValgrind[] =
    "valgrind is not installed (package valgrind): run tools/setup --tests";

// The instructions of one run of `command`, the program and its arguments, none
// of which may need quoting in a shell.  Valgrind's callgrind counts them, so
// valgrind must be installed.  When the run fails, its output is printed and
// the process exits with 1.
//
// If `function` is given, only what runs within it and on its thread counts.
// It is a pattern for a demangled name, such as "*CountedPicks*", and must
// match a function that is not inlined.
double CountInstructions(const std::vector<std::string>& command,
                         const std::string& function = "");

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_INSTRUCTIONS_H_

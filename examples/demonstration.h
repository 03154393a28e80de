// RunDemonstration: the body of main() for a program that shows something live
// and then reports whether it worked.
#ifndef MULTI_BACKEND_EXAMPLES_DEMONSTRATION_H_
#define MULTI_BACKEND_EXAMPLES_DEMONSTRATION_H_

#include <stdio.h>

#include <iostream>

#include "absl/status/status.h"

namespace examples {

// A Demonstration has absl::Status Start() and Run(), and int Finish().
// Finish() prints the outcome and returns the exit code; it is called even when
// Run() failed.  Returns that exit code, or 1 when Start() or Run() failed.
template <typename Demonstration, typename Flags>
int RunDemonstration(const Flags& flags) {
  // Each line appears at once, even when stdout is a pipe or a file.
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Demonstration demonstration(flags);
  absl::Status status = demonstration.Start();
  if (status.ok()) {
    status = demonstration.Run();
    const int code = demonstration.Finish();
    if (status.ok()) return code;
  }
  std::cerr << "the demonstration could not run: " << status << std::endl;
  return 1;
}

}  // namespace examples

#endif  // MULTI_BACKEND_EXAMPLES_DEMONSTRATION_H_

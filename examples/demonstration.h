// RunDemonstration: main() of a program that shows something live and then says
// whether it went as it should.
#ifndef MULTI_BACKEND_EXAMPLES_DEMONSTRATION_H_
#define MULTI_BACKEND_EXAMPLES_DEMONSTRATION_H_

#include <stdio.h>

#include <iostream>

#include "absl/status/status.h"

namespace examples {

// A Demonstration has absl::Status Start() and Run(), and int Finish(), which
// says how it went and is called even when Run() failed.  Returns Finish()'s,
// or 1 when it could not run.
template <typename Demonstration, typename Flags>
int RunDemonstration(const Flags& flags) {
  // Line by line, into a pipe or file too.
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

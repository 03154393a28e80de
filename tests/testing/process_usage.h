// ProcessUsage: what this process holds, for tests of what is left behind.
#ifndef MULTI_BACKEND_TESTS_TESTING_PROCESS_USAGE_H_
#define MULTI_BACKEND_TESTS_TESTING_PROCESS_USAGE_H_

#include <set>

#include "absl/time/time.h"

namespace multi_backend {

struct ProcessUsage {
  int threads = 0;
  int file_descriptors = 0;
  double heap_mib = 0;  // Allocated and not freed.

  static ProcessUsage Now();
};

// Time of the processor that this process has used.
absl::Duration ProcessorTime();

// Established TCP connections of this machine to one of these ports, over IPv4
// or IPv4 in IPv6.
int ConnectionsTo(const std::set<int>& ports);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PROCESS_USAGE_H_

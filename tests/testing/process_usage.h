// ProcessUsage: the resources that this process holds, for tests that look for
// leaks.
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

// The CPU time that this process has used.
absl::Duration ProcessorTime();

// The number of established TCP connections on this machine to any of these
// ports, over IPv4 or over IPv6 with IPv4 addresses.
int ConnectionsTo(const std::set<int>& ports);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_PROCESS_USAGE_H_

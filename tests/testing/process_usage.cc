#include "multi_backend/tests/testing/process_usage.h"

#include <malloc.h>
#include <sys/resource.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "multi_backend/tests/testing/directory_entries.h"

namespace multi_backend {
namespace {

// Reads a line of /proc/net/tcp: "sl local remote state …".  All numbers are
// hexadecimal, also in addresses: "0100007F:1F90".
bool IsEstablishedTo(const std::string& line, const std::set<int>& ports) {
  const std::vector<std::string> fields =
      absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (fields.size() < 4 || fields[3] != "01") return false;
  const std::vector<std::string> remote = absl::StrSplit(fields[2], ':');
  int port = 0;
  return remote.size() == 2 && absl::SimpleHexAtoi(remote[1], &port) &&
         ports.count(port) != 0;
}

}  // namespace

ProcessUsage ProcessUsage::Now() {
  ProcessUsage usage;
  usage.threads = static_cast<int>(EntriesOf("/proc/self/task"));
  // One of the entries is the open directory itself.
  usage.file_descriptors = static_cast<int>(EntriesOf("/proc/self/fd")) - 1;
  const struct mallinfo2 heap = mallinfo2();
  usage.heap_mib = static_cast<double>(heap.uordblks + heap.hblkhd) / 1048576;
  return usage;
}

absl::Duration ProcessorTime() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

int ConnectionsTo(const std::set<int>& ports) {
  int count = 0;
  for (const char* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream table(path);
    for (std::string line; std::getline(table, line);) {
      count += IsEstablishedTo(line, ports);
    }
  }
  return count;
}

}  // namespace multi_backend

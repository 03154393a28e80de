// Counts the connections of a server on this machine.
#ifndef MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_
#define MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace multi_backend {

// The number of open connections that the server at `port` has accepted.
inline int AcceptedConnections(int port) {
  constexpr absl::string_view kEstablished = "01";
  int count = 0;
  // gRPC uses IPv6 sockets for IPv4 addresses too.
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    for (std::string line; std::getline(table, line);) {
      // "0: 0100007F:1F90 0100007F:A3C2 01 …": local, remote, state.
      const std::vector<std::string> columns =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (columns.size() < 4 || columns[3] != kEstablished) continue;
      const std::vector<std::string> local = absl::StrSplit(columns[1], ':');
      int local_port = 0;
      if (local.size() == 2 && absl::SimpleHexAtoi(local[1], &local_port) &&
          local_port == port) {
        ++count;
      }
    }
  }
  return count;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_

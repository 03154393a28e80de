// Counts the connections of a server on this machine.
#ifndef MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_
#define MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// The number of open connections that the server at 127.0.0.1:`port` has
// accepted.  Other addresses of this machine may have a server at that port,
// too.
inline int AcceptedConnections(int port) {
  constexpr absl::string_view kEstablished = "01";
  const std::string server = absl::StrFormat("0100007F:%04X", port);
  int count = 0;
  // gRPC uses IPv6 sockets for IPv4 addresses too.
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream table(path);
    for (std::string line; std::getline(table, line);) {
      // "0: 0100007F:1F90 0100007F:A3C2 01 …": local, remote, state.
      const std::vector<std::string> columns =
          absl::StrSplit(line, ' ', absl::SkipEmpty());
      count += columns.size() >= 4 && columns[3] == kEstablished &&
               absl::EndsWith(columns[1], server);
    }
  }
  return count;
}

}  // namespace multi_backend

#endif  // MULTI_BACKEND_TESTS_TESTING_ACCEPTED_CONNECTIONS_H_

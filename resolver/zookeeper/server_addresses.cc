#include "multi_backend/resolver/zookeeper/server_addresses.h"

#include <netdb.h>
#include <sys/socket.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace multi_backend {

absl::StatusOr<std::string> ZookeeperServerAddresses(
    absl::string_view servers) {
  std::vector<std::string> addresses;
  std::string problems;
  for (absl::string_view server : absl::StrSplit(servers, ',')) {
    const size_t colon = server.rfind(':');
    absl::string_view host = server.substr(0, colon);
    if (!host.empty() && host[0] == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code =
        getaddrinfo(std::string(host).c_str(), nullptr, &hints, &found);
    if (code != 0) {
      absl::StrAppend(&problems, problems.empty() ? "" : "; ", host, ": ",
                      gai_strerror(code));
      continue;
    }
    for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
      char text[NI_MAXHOST];
      if (getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof(text),
                      nullptr, 0, NI_NUMERICHOST) == 0) {
        // The library splits at the last colon and expects no brackets.
        addresses.push_back(absl::StrCat(text, server.substr(colon)));
      }
    }
    freeaddrinfo(found);
  }
  if (!addresses.empty()) return absl::StrJoin(addresses, ",");
  return absl::UnavailableError(
      absl::StrCat("no address of a ZooKeeper server: ", problems));
}

}  // namespace multi_backend

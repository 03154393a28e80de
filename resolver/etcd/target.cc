#include "multi_backend/resolver/etcd/target.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace multi_backend {
namespace {

// Far more than the 7 members that etcd recommends at most.
constexpr size_t kMaxServers = 32;
constexpr size_t kMaxPrefix = 1024;
constexpr absl::string_view kDefaultPort = ":2379";

absl::Status TargetError(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat(
      "etcd target: ", problem, ": write etcd://host:port,host:port/prefix/"));
}

}  // namespace

std::string EtcdTarget::ToString() const {
  const auto address = [](std::string* out, const Endpoint& server) {
    absl::StrAppend(out, server.address());
  };
  return absl::StrCat("etcd://", absl::StrJoin(servers, ",", address),
                      absl::StartsWith(prefix, "/") ? "" : "/", prefix);
}

absl::StatusOr<EndpointList> ParseEtcdServers(absl::string_view servers) {
  if (absl::StrContains(servers, '@')) {
    return absl::InvalidArgumentError(
        "etcd target: user and password (before \"@\") have no place in it: "
        "give them through the options, or in the file that "
        "MULTI_BACKEND_ETCD_AUTH_FILE names");
  }
  if (servers.empty()) return TargetError("no server");
  EndpointList list;
  for (absl::string_view text : absl::StrSplit(servers, ',')) {
    if (list.size() == kMaxServers) {
      return TargetError(absl::StrCat("more than ", kMaxServers, " servers"));
    }
    // A "]" at the end closes an IPv6 address without a port.
    const bool has_port = text.rfind(':') != absl::string_view::npos &&
                          !absl::EndsWith(text, "]");
    auto server = Endpoint::Parse(has_port ? std::string(text)
                                           : absl::StrCat(text, kDefaultPort));
    if (!server.ok()) {
      return TargetError(absl::StrCat("server ", list.size() + 1, ": ",
                                      server.status().message()));
    }
    list.push_back(*std::move(server));
  }
  const absl::Status status = CheckEndpoints(list);
  if (!status.ok()) return TargetError(status.message());
  return list;
}

absl::StatusOr<EtcdTarget> ParseEtcdTarget(absl::string_view authority,
                                           absl::string_view path) {
  auto servers = ParseEtcdServers(authority);
  if (!servers.ok()) return servers.status();
  if (path.find_first_not_of('/') == absl::string_view::npos) {
    return TargetError("no prefix");
  }
  if (path.size() > kMaxPrefix) {
    return TargetError(
        absl::StrCat("a prefix of more than ", kMaxPrefix, " bytes"));
  }
  EtcdTarget target;
  target.servers = *std::move(servers);
  target.prefix = absl::StrCat(absl::StripSuffix(path, "/"), "/");
  return target;
}

std::string EndOfPrefix(absl::string_view prefix) {
  std::string end(prefix);
  // The next key after all of them: the last byte that is not 0xFF plus one.
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) {
    end.pop_back();
  }
  if (end.empty()) return std::string(1, '\0');  // Up to the last key.
  ++end.back();
  return end;
}

}  // namespace multi_backend

#include "multi_backend/resolver/zookeeper/target.h"

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "multi_backend/resolver/endpoint/endpoint.h"
#include "multi_backend/resolver/source/regular_file.h"
#include "multi_backend/text/excerpt.h"

namespace multi_backend {
namespace {

constexpr size_t kMaxServers = 32;
constexpr size_t kMaxPathBytes = 1024;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxCredentialsBytes = 1024;
constexpr char kDefaultPort[] = ":2181";
constexpr char kFileVariable[] = "MULTI_BACKEND_ZOOKEEPER_AUTH_FILE";
constexpr char kVariable[] = "MULTI_BACKEND_ZOOKEEPER_AUTH";

absl::Status BadTarget(absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("zookeeper target: ", problem));
}

absl::StatusOr<std::string> ParseServers(absl::string_view authority) {
  // Checked first, because later errors quote parts of the text.
  if (authority.find_first_of("@%") != absl::string_view::npos) {
    return BadTarget(
        "credentials do not belong into a target: see the options and "
        "MULTI_BACKEND_ZOOKEEPER_AUTH_FILE");
  }
  std::vector<std::string> servers;
  for (absl::string_view text : absl::StrSplit(authority, ',')) {
    const size_t colon = text.rfind(':');
    const bool has_port = colon != absl::string_view::npos &&
                          text.find(']', colon) == absl::string_view::npos;
    const auto server = Endpoint::Parse(
        has_port ? std::string(text) : absl::StrCat(text, kDefaultPort));
    if (!server.ok()) {
      return BadTarget(absl::StrCat("server ", Quoted(text),
                                    ": write host:port, several with commas"));
    }
    servers.push_back(server->address());
  }
  if (servers.size() > kMaxServers) {
    return BadTarget(
        absl::StrCat(servers.size(), " servers, at most ", kMaxServers));
  }
  return absl::StrJoin(servers, ",");
}

// "user:password" from `text`.  `where` names the file or variable for errors.
absl::StatusOr<std::string> CheckCredentials(absl::string_view text,
                                             absl::string_view where) {
  text = absl::StripAsciiWhitespace(text);
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon == 0 ||
      text.size() > kMaxCredentialsBytes ||
      text.find_first_of(absl::string_view("\n\0", 2)) !=
          absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("ZooKeeper credentials of ", where,
                     ": must be one line with user:password"));
  }
  return std::string(text);
}

}  // namespace

absl::Status CheckZookeeperName(absl::string_view name) {
  bool good = !name.empty() && name.size() <= kMaxNameBytes && name != "." &&
              name != "..";
  for (const char c : name) {
    good = good &&
           (absl::ascii_isgraph(c) || static_cast<signed char>(c) < 0) &&
           c != '/';
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(name), " cannot be the name of a node"));
}

absl::StatusOr<ZookeeperTarget> ZookeeperTarget::Parse(
    absl::string_view authority, absl::string_view path) {
  auto servers = ParseServers(authority);
  if (!servers.ok()) return servers.status();
  const auto bad_path = [path] {
    return BadTarget(absl::StrCat(
        "path ", Quoted(path), ": write zookeeper://host:port/path/of/node"));
  };
  if (path.size() < 2 || path.size() > kMaxPathBytes || path[0] != '/') {
    return bad_path();
  }
  for (absl::string_view name : absl::StrSplit(path.substr(1), '/')) {
    if (!CheckZookeeperName(name).ok()) return bad_path();
  }
  return ZookeeperTarget{*std::move(servers), std::string(path)};
}

absl::string_view ZookeeperTarget::service() const {
  return absl::string_view(path).substr(path.rfind('/') + 1);
}

std::string ZookeeperTarget::ToString() const {
  return absl::StrCat("zookeeper://", servers, path);
}

absl::StatusOr<std::string> ReadZookeeperCredentials(const std::string& file) {
  std::string path = file;
  if (path.empty()) {
    const char* const variable = std::getenv(kFileVariable);
    if (variable != nullptr) path = variable;
  }
  if (!path.empty()) {
    auto contents = ReadRegularFile(path, kMaxCredentialsBytes);
    if (!contents.ok()) {
      return absl::Status(contents.status().code(),
                          absl::StrCat("ZooKeeper credentials of ", path, ": ",
                                       contents.status().message()));
    }
    return CheckCredentials(contents->text, path);
  }
  const char* const text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') return std::string();
  return CheckCredentials(text, kVariable);
}

}  // namespace multi_backend

#include "multi_backend/tests/testing/zookeeper_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
// Only with this macro does the header declare the synchronous functions.
#define THREADED
#include "zookeeper/zookeeper.h"

// All sessions of libzookeeper write the texts of its log into one buffer,
// which is a data race.  The texts are dropped anyway.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:libzookeeper_mt.so\n";
}

namespace multi_backend {
namespace {

constexpr char kJava[] = "/usr/bin/java";
// The manifest of the server names all that it needs, except for the log.
constexpr char kServer[] = "/usr/share/java/zookeeper.jar";
constexpr char kLog[] = "/usr/share/java/slf4j-simple.jar";
constexpr char kMain[] = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
constexpr std::chrono::seconds kPatience(60);
// How long to wait for the answer to a four letter word.  A server that is
// starting may accept a connection and never answer.
constexpr int kStartingPatienceMs = 200;  // For the first word; then doubled.
constexpr int kAnswerPatienceMs = 20000;
// The number of operations in one request.
constexpr size_t kBatch = 500;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

absl::Status Problem(absl::string_view what, int code) {
  const std::string text = absl::StrCat(what, ": ", zerror(code));
  return code == ZNONODE ? absl::NotFoundError(text)
                         : absl::UnavailableError(text);
}

// A synchronous client, connected while this object lives.
class Client {
 public:
  explicit Client(const std::string& address, absl::string_view digest = "")
      : handle_(zookeeper_init2(address.c_str(), nullptr, 20000, nullptr,
                                nullptr, ZOO_NO_LOG_CLIENTENV,
                                [](const char*) {})) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (handle_ != nullptr && zoo_state(handle_) != ZOO_CONNECTED_STATE &&
           std::chrono::steady_clock::now() < end) {
      poll(nullptr, 0, 1);
    }
    if (handle_ != nullptr && !digest.empty()) {
      zoo_add_auth(handle_, "digest", digest.data(),
                   static_cast<int>(digest.size()), nullptr, nullptr);
    }
  }
  ~Client() { zookeeper_close(handle_); }
  zhandle_t* handle() { return handle_; }

 private:
  zhandle_t* const handle_;
};

int MakeParents(zhandle_t* handle, const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const int code = zoo_create(handle, path.substr(0, slash).c_str(), "", 0,
                                &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
    if (code != ZOK && code != ZNODEEXISTS) return code;
  }
  return ZOK;
}

int PutOne(zhandle_t* handle, const ZookeeperServer::Nodes::value_type& node,
           const ACL_vector* acl) {
  const auto size = static_cast<int>(node.second.size());
  const int code =
      zoo_set(handle, node.first.c_str(), node.second.data(), size, -1);
  if (code != ZNONODE) return code;
  const int parents = MakeParents(handle, node.first);
  if (parents != ZOK) return parents;
  return zoo_create(handle, node.first.c_str(), node.second.data(), size, acl,
                    0, nullptr, 0);
}

}  // namespace

constexpr char ZookeeperServer::kHowToInstall[];
constexpr absl::Duration ZookeeperServer::kTick;

bool ZookeeperServer::Installed() {
  return access(kServer, R_OK) == 0 && access(kJava, X_OK) == 0 &&
         StoreProcess::CanLaunch();
}

absl::StatusOr<std::unique_ptr<ZookeeperServer>> ZookeeperServer::Start(
    absl::Duration longest_session) {
  absl::Status status;
  for (int attempt = 0; attempt < StoreProcess::kAttempts; ++attempt) {
    auto process = StoreProcess::Make("zookeeper");
    if (!process.ok()) return process.status();
    std::unique_ptr<ZookeeperServer> server(
        new ZookeeperServer(*std::move(process)));
    status = server->WriteFiles(longest_session);
    if (status.ok()) status = server->Launch();
    if (status.ok()) return server;
  }
  return status;
}

absl::Status ZookeeperServer::WriteFiles(absl::Duration longest_session) const {
  std::ofstream file(process_->directory() + "/zoo.cfg");
  file << "dataDir=" << process_->directory()
       << "/data\nclientPort=" << process_->port()
       << "\nclientPortAddress=127.0.0.1\ntickTime="
       << absl::ToInt64Milliseconds(kTick)
       << "\nmaxSessionTimeout=" << absl::ToInt64Milliseconds(longest_session)
       << "\nmaxClientCnxns=0\n"
          "admin.enableServer=false\n4lw.commands.whitelist=*\n";
  file.close();
  return file ? absl::OkStatus() : absl::InternalError("cannot write zoo.cfg");
}

absl::Status ZookeeperServer::Launch() {
  const absl::Status launched = process_->Launch(
      {kJava,
       // Make the JVM small and quick to start.
       "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
       "-XX:-UsePerfData", "-Dzookeeper.forceSync=no",
       // The log is needed when the start fails.
       "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
       absl::StrCat(kServer, ":", kLog), kMain,
       process_->directory() + "/zoo.cfg"});
  if (!launched.ok()) return launched;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (int patience_ms = kStartingPatienceMs;
       std::chrono::steady_clock::now() < end; poll(nullptr, 0, 10)) {
    if (process_->HasEnded()) break;
    const auto asked = std::chrono::steady_clock::now();
    // The server answers before it serves, but without this text.
    if (absl::StrContains(Ask("srvr", patience_ms), "Mode: standalone")) {
      return absl::OkStatus();
    }
    if (std::chrono::steady_clock::now() - asked >=
        std::chrono::milliseconds(patience_ms)) {
      patience_ms = std::min(2 * patience_ms, kAnswerPatienceMs);
    }
  }
  Kill();
  return absl::UnavailableError(
      absl::StrCat("ZooKeeper does not start: ", process_->log()));
}

std::string ZookeeperServer::Ask(absl::string_view word,
                                 int patience_ms) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(process_->port());
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0 &&
      send(fd, word.data(), word.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(word.size())) {
    char buffer[4096];
    while (true) {
      pollfd readable = {fd, POLLIN, 0};
      if (poll(&readable, 1, patience_ms) <= 0) break;
      const ssize_t size = read(fd, buffer, sizeof(buffer));
      if (size <= 0) break;
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

absl::StatusOr<int64_t> ZookeeperServer::Monitored(
    absl::string_view name) const {
  const std::string answer = Ask("mntr", kAnswerPatienceMs);
  for (absl::string_view line : absl::StrSplit(answer, '\n')) {
    const std::pair<absl::string_view, absl::string_view> entry =
        absl::StrSplit(line, absl::MaxSplits('\t', 1));
    int64_t value = 0;
    if (entry.first == name && absl::SimpleAtoi(entry.second, &value)) {
      return value;
    }
  }
  return absl::UnavailableError(absl::StrCat("no ", name, " in: ", answer));
}

absl::Duration ZookeeperServer::Allow(absl::Duration limit) {
  constexpr int kWrites = 10;
  const auto start = std::chrono::steady_clock::now();
  (void)!Put({{"/allowance", ""}}).ok();
  return limit +
         kWrites * absl::FromChrono(std::chrono::steady_clock::now() - start);
}

absl::StatusOr<int64_t> ZookeeperServer::WatchCount() {
  return Monitored("zk_watch_count");
}

absl::StatusOr<int64_t> ZookeeperServer::ConnectionCount() {
  return Monitored("zk_num_alive_connections");
}

absl::Status ZookeeperServer::Put(const Nodes& nodes,
                                  absl::string_view digest) {
  Client client(address(), digest);
  const ACL_vector* const acl =
      digest.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL;
  for (size_t begin = 0; begin < nodes.size(); begin += kBatch) {
    const size_t end = std::min(nodes.size(), begin + kBatch);
    std::vector<zoo_op_t> operations(end - begin);
    std::vector<zoo_op_result_t> results(end - begin);
    for (size_t i = begin; i < end; ++i) {
      zoo_create_op_init(&operations[i - begin], nodes[i].first.c_str(),
                         nodes[i].second.data(),
                         static_cast<int>(nodes[i].second.size()), acl, 0,
                         nullptr, 0);
    }
    if (zoo_multi(client.handle(), static_cast<int>(operations.size()),
                  operations.data(), results.data()) == ZOK) {
      continue;
    }
    // Some nodes exist already, or their parents do not.
    for (size_t i = begin; i < end; ++i) {
      const int code = PutOne(client.handle(), nodes[i], acl);
      if (code != ZOK) return Problem(nodes[i].first, code);
    }
  }
  return absl::OkStatus();
}

absl::Status ZookeeperServer::Delete(const std::vector<std::string>& paths) {
  Client client(address());
  for (const std::string& path : paths) {
    const int code = zoo_delete(client.handle(), path.c_str(), -1);
    if (code != ZOK) return Problem(path, code);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ZookeeperServer::Children(
    absl::string_view path) {
  Client client(address());
  String_vector names = {};
  const int code =
      zoo_get_children(client.handle(), std::string(path).c_str(), 0, &names);
  if (code != ZOK) return Problem(path, code);
  std::vector<std::string> children(names.data, names.data + names.count);
  deallocate_String_vector(&names);
  return children;
}

absl::StatusOr<std::string> ZookeeperServer::Data(absl::string_view path) {
  Client client(address());
  std::string data(1 << 16, '\0');
  int size = static_cast<int>(data.size());
  const int code = zoo_get(client.handle(), std::string(path).c_str(), 0,
                           &data[0], &size, nullptr);
  if (code != ZOK) return Problem(path, code);
  data.resize(static_cast<size_t>(size < 0 ? 0 : size));
  return data;
}

void ZookeeperServer::Wipe() {
  (void)!system(
      absl::StrCat("rm -rf ", process_->directory(), "/data").c_str());
}

absl::Status ZookeeperServer::Restart() {
  Kill();
  return Launch();
}

}  // namespace multi_backend

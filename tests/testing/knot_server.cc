#include "multi_backend/tests/testing/knot_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

extern char** environ;

namespace multi_backend {
namespace {

constexpr char kServer[] = "/usr/sbin/knotd";
constexpr char kUpdater[] = "/usr/bin/knsupdate";
// Ends the child when its parent ends.
constexpr char kWrapper[] = "/usr/bin/setpriv";
constexpr std::chrono::seconds kPatience(20);
// Another process may take a port between our look and the server's.
constexpr int kAttempts = 5;

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A port that is free for UDP and TCP now; 0 if there is none.
int FreePort() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    const bool free = bind(tcp, generic, size) == 0 &&
                      getsockname(tcp, generic, &size) == 0 &&
                      bind(udp, generic, size) == 0;
    close(tcp);
    close(udp);
    if (free) return ntohs(address.sin_port);
  }
  return 0;
}

}  // namespace

constexpr char KnotServer::kHowToInstall[];

bool KnotServer::Installed() {
  return access(kServer, X_OK) == 0 && access(kUpdater, X_OK) == 0 &&
         access(kWrapper, X_OK) == 0;
}

absl::StatusOr<std::unique_ptr<KnotServer>> KnotServer::Start() {
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // Not the test's own directory: the path of the control socket must be
    // short.
    char directory[] = "/tmp/knotXXXXXX";
    if (mkdtemp(directory) == nullptr) {
      return absl::ErrnoToStatus(errno, "mkdtemp");
    }
    std::unique_ptr<KnotServer> server(new KnotServer(directory, FreePort()));
    status = server->WriteFiles();
    if (status.ok()) status = server->Launch();
    if (status.ok()) return server;
  }
  return status;
}

KnotServer::KnotServer(std::string directory, int port)
    : directory_(std::move(directory)), port_(port) {}

KnotServer::~KnotServer() {
  Kill();
  (void)!system(absl::StrCat("rm -rf ", directory_).c_str());
}

std::string KnotServer::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

absl::Status KnotServer::WriteFiles() const {
  std::ofstream(directory_ + "/knot.conf")
      << "server:\n  rundir: " << directory_ << "\n  listen: 127.0.0.1@"
      << port_
      << "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
         "log:\n  - target: stderr\n    any: info\n"
         "database:\n  storage: "
      << directory_
      << "\n  journal-db-max-size: 10M\n"
         "acl:\n  - id: update\n    address: 127.0.0.1\n    action: update\n"
         "template:\n  - id: default\n    storage: "
      << directory_
      << "\n    semantic-checks: off\n    zonefile-sync: -1\n"
         "zone:\n  - domain: example\n    file: example.zone\n"
         "    acl: update\n";
  std::ofstream zone(directory_ + "/example.zone");
  zone << "example. 3600 SOA ns.example. admin.example. 1 3600 600 86400 1\n"
          "example. 3600 NS ns.example.\n"
          "ns.example. 3600 A 127.0.0.1\n";
  zone.close();
  return zone ? absl::OkStatus() : absl::InternalError("cannot write a zone");
}

absl::Status KnotServer::Launch() {
  const std::string log = directory_ + "/log";
  const std::string config = directory_ + "/knot.conf";
  unlink(log.c_str());
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  std::vector<std::string> command = {kWrapper, "--pdeathsig", "KILL",
                                      kServer,  "-c",          config};
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(&word[0]);
  argv.push_back(nullptr);
  const int error =
      posix_spawn(&pid_, kWrapper, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) {
    pid_ = 0;
    return absl::ErrnoToStatus(error, "cannot start knotd");
  }
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    const std::string text = ReadFile(log);
    // It goes on when it cannot bind.
    if (absl::StrContains(text, "cannot bind")) break;
    if (absl::StrContains(text, "server started")) return absl::OkStatus();
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      break;
    }
    poll(nullptr, 0, 10);
  }
  Kill();
  return absl::UnavailableError(
      absl::StrCat("knotd does not start: ", ReadFile(log)));
}

absl::Status KnotServer::Update(const std::vector<std::string>& changes) {
  const std::string script = directory_ + "/update";
  std::ofstream file(script);
  file << "server 127.0.0.1 " << port_ << "\nzone example.\n";
  for (const std::string& change : changes) file << "update " << change << "\n";
  file << "send\nquit\n";
  file.close();
  // By TCP, for updates of any size.
  const int result =
      system(absl::StrCat(kUpdater, " -v ", script, " > ", script, ".log 2>&1")
                 .c_str());
  const std::string output = ReadFile(script + ".log");
  // It says what failed, but not always by its exit code.
  if (result == 0 && output.empty()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("knsupdate: ", output));
}

void KnotServer::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

absl::Status KnotServer::Restart() {
  Kill();
  return Launch();
}

void KnotServer::Stop() {
  kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);
}

void KnotServer::Continue() { kill(pid_, SIGCONT); }

}  // namespace multi_backend

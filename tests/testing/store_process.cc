#include "multi_backend/tests/testing/store_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace multi_backend {
namespace {

// Ends the child when its parent ends.
constexpr char kWrapper[] = "/usr/bin/setpriv";

// Returns a port that is free for UDP and TCP now, or 0 if there is none.
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

std::string ReadWholeFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool StoreProcess::CanLaunch() { return access(kWrapper, X_OK) == 0; }

absl::StatusOr<std::unique_ptr<StoreProcess>> StoreProcess::Make(
    absl::string_view name) {
  std::string directory = absl::StrCat("/tmp/", name, "XXXXXX");
  if (mkdtemp(&directory[0]) == nullptr) {
    return absl::ErrnoToStatus(errno, "mkdtemp");
  }
  return std::unique_ptr<StoreProcess>(
      new StoreProcess(std::move(directory), FreePort()));
}

StoreProcess::StoreProcess(std::string directory, int port)
    : directory_(std::move(directory)), port_(port) {}

StoreProcess::~StoreProcess() {
  Kill();
  (void)!system(absl::StrCat("rm -rf ", directory_).c_str());
}

std::string StoreProcess::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

absl::Status StoreProcess::Launch(std::vector<std::string> command) {
  const std::string log_file = directory_ + "/log";
  unlink(log_file.c_str());
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  command.insert(command.begin(), {kWrapper, "--pdeathsig", "KILL"});
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(&word[0]);
  argv.push_back(nullptr);
  const int error =
      posix_spawn(&pid_, kWrapper, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error == 0) return absl::OkStatus();
  pid_ = 0;
  return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", command[3]));
}

bool StoreProcess::HasEnded() {
  if (pid_ == 0) return true;
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

std::string StoreProcess::log() const {
  return ReadWholeFile(directory_ + "/log");
}

void StoreProcess::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

void StoreProcess::Stop() {
  kill(pid_, SIGSTOP);
  waitpid(pid_, nullptr, WUNTRACED);
}

void StoreProcess::Continue() { kill(pid_, SIGCONT); }

}  // namespace multi_backend
